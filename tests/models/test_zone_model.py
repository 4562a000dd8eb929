import json
import re
import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.backends import only_tensorflow, to_numpy
from tests.builders import VOCABULARY, tiny_model, tiny_tokenizer
from zonekeras.data.features import encode_pair
from zonekeras.errors import InputError
from zonekeras.graph.options import ExportOptions
from zonekeras.models.loading import load
from zonekeras.models.weights import NO_HEAD
from zonekeras.models.zone_model import ModelDescription, ZoneModel
from zonekeras.zones import (
    Configuration,
    Role,
    Semantics,
    Zone,
    cell,
    cells,
    open_tables,
)

NAMES = ("token_ids", "segment_ids", "roles")
NO_TEXT = ExportOptions(answer=None)


@pytest.fixture(scope="module")
def model():
    """One reader for the whole module: a program is compiled once per shape."""
    return tiny_model()


@pytest.fixture(autouse=True)
def nothing_stays_masked(model):
    yield
    model.unmask()


def random_inputs(batch=3, length=17, padded=True, seed=0):
    """Token ids and roles at random; PAD at the end, as featurizing has it."""
    random = np.random.default_rng(seed)
    token_ids = random.integers(5, len(VOCABULARY), (batch, length))
    roles = random.permuted(
        1 + np.arange(batch * length).reshape(batch, -1) % 4, axis=1
    )
    if padded:
        for row in range(batch):
            token_ids[row, length - 2 * row :] = 0
            roles[row, length - 2 * row :] = Role.PAD
    return {
        "token_ids": token_ids.astype("int32"),
        "segment_ids": (roles == Role.PASSAGE).astype("int32"),
        "roles": roles.astype("int32"),
    }


class WordFinder:
    """A network whose best span goes from one token to another, wherever they are.

    It reads the tables too: if the last one that was assigned masks `q2p`, the null
    answer (at CLS) wins.
    """

    task = "span"
    num_layers, num_heads, table_heads, num_traces = 3, 2, 1, 0

    def __init__(self, first, last):
        tokenizer = tiny_tokenizer()
        (first_ids, _), (last_ids, _) = tokenizer.encode([first, last])
        self.first, self.last, self.cls = first_ids[0], last_ids[-1], tokenizer.cls_id
        self.lengths = []

    def logits(self, inputs, zone_tables=None):
        token_ids = inputs["token_ids"]
        self.lengths.append(token_ids.shape[1])
        null = 5.0 if self.tables[0, 0, Role.QUESTION, Role.PASSAGE] else 50.0
        found = [
            10.0 * (token_ids == wanted) + null * (token_ids == self.cls)
            for wanted in (self.first, self.last)
        ]
        return np.stack(found, axis=-1).astype("float32")

    def assign(self, zone_tables):
        self.tables = zone_tables

    def fingerprint(self):
        return "0"


def make_finder(first, last):
    description = ModelDescription("finder", tiny_model().description.encoder)
    return ZoneModel(WordFinder(first, last), tiny_tokenizer(), description)


@pytest.mark.both_backends
def test_predict_logits_uses_its_inputs_exactly_as_given(model):
    inputs = random_inputs()
    before = {name: array.copy() for name, array in inputs.items()}
    logits = model.predict_logits(inputs)
    assert isinstance(logits, np.ndarray)
    assert logits.dtype == np.float32
    assert logits.shape == (3, 17, 2)
    np.testing.assert_allclose(
        logits, to_numpy(model.network.reader(inputs)), rtol=1e-4, atol=1e-5
    )
    for name in NAMES:
        np.testing.assert_array_equal(inputs[name], before[name])
    # Other keys are left alone, and lists and other integers will do.
    others = {name: inputs[name].astype("int64") for name in NAMES} | {"lengths": 1}
    np.testing.assert_array_equal(model.predict_logits(others), logits)
    lists = {name: inputs[name].tolist() for name in NAMES}
    np.testing.assert_array_equal(model.predict_logits(lists), logits)


def test_predict_logits_takes_the_longest_window_and_refuses_a_longer_one(model):
    assert model.max_sequence_length == 61
    longest = random_inputs(batch=1, length=61)
    assert model.predict_logits(longest).shape == (1, 61, 2)
    with pytest.raises(
        InputError,
        match="^Expected at most 61 tokens, which is what this model was made for. "
        "Received: 62.$",
    ):
        model.predict_logits(random_inputs(batch=1, length=62))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"roles": None},
            "Expected inputs token_ids, segment_ids, roles. "
            "Received: token_ids, segment_ids; roles is missing.",
        ),
        (
            {"roles": np.ones((3, 16), int)},
            "Expected inputs of one shape [B, T]. Received: {'token_ids': (3, 17), "
            "'segment_ids': (3, 17), 'roles': (3, 16)}.",
        ),
        (
            dict.fromkeys(NAMES, np.ones(17, int)),
            "Expected inputs of one shape [B, T]. Received: {'token_ids': (17,), "
            "'segment_ids': (17,), 'roles': (17,)}.",
        ),
        (
            {"token_ids": np.ones((3, 17))},
            "Expected integers. Received: token_ids of float64.",
        ),
        (
            {"roles": np.full((3, 17), 5)},
            "Expected roles from 0 to 4, as this model has them. "
            "Received: roles from 5 to 5.",
        ),
        (
            {"token_ids": np.arange(3 * 17).reshape(3, 17)},
            "Expected token_ids from 0 to 46, as this model has them. "
            "Received: token_ids from 0 to 50.",
        ),
        (
            {"segment_ids": np.full((3, 17), -1)},
            "Expected segment_ids from 0 to 1, as this model has them. "
            "Received: segment_ids from -1 to -1.",
        ),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(model, changes, message):
    inputs = {
        name: array
        for name, array in (random_inputs() | changes).items()
        if array is not None
    }
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        model.predict_logits(inputs)


@pytest.mark.both_backends
def test_every_cell_changes_the_logits_and_unmask_restores_them(model):
    inputs = random_inputs()
    baseline = model.predict_logits(inputs)
    seen = {baseline.tobytes()}
    for configuration in cells(model.num_layers):
        model.mask(configuration)
        assert model.configuration == configuration
        seen.add(model.predict_logits(inputs).tobytes())
    assert len(seen) == 1 + 5 * model.num_layers
    model.unmask()
    assert model.configuration == Configuration()
    np.testing.assert_array_equal(model.predict_logits(inputs), baseline)


def test_flips_trace_nothing():
    model = tiny_model()
    for configuration in cells(model.num_layers):
        with model.masked(configuration):
            model.predict_logits(random_inputs())
    assert model.network.num_traces == 1


def test_a_mask_replaces_the_one_before(model):
    inputs = random_inputs()
    model.mask("layer2:q2")
    alone = model.predict_logits(inputs)
    model.mask("layer0:p2")
    model.mask("layer2:q2")
    np.testing.assert_array_equal(model.predict_logits(inputs), alone)


def test_published_all_opens_padding_and_strict_all_masks_the_four_zones(model):
    padded, full = random_inputs(), random_inputs(padded=False)
    baseline = [model.predict_logits(inputs) for inputs in (padded, full)]
    with model.masked("all-layers:all", semantics="published"):
        published = [model.predict_logits(inputs) for inputs in (padded, full)]
    # Row 0 and all of `full` have no padding: there is nothing to see.
    np.testing.assert_array_equal(published[1], baseline[1])
    np.testing.assert_allclose(published[0][0], baseline[0][0], atol=1e-5)
    assert (np.abs(published[0] - baseline[0]).max((1, 2)) > 1e-3).tolist() == [
        False,
        True,
        True,
    ]
    with model.masked("all-layers:all"):
        strict = model.predict_logits(padded)
    with model.masked("all-layers:q2+q2p+p2q+p2", semantics=Semantics.PUBLISHED):
        union = model.predict_logits(padded)
    np.testing.assert_array_equal(strict, union)
    assert (np.abs(strict - published[0]).max((1, 2)) > 1e-3).all()


@pytest.mark.both_backends
def test_heads_of_a_one_table_model_equal_a_model_with_tables_per_head(model):
    per_head = tiny_model(per_head_tables=True)
    inputs = random_inputs()
    for text in (
        "layer1.head0:p2q",
        "all-layers.head1:p2",
        "layer0:q2;layer2.head1:only-p2",
        "layer0:all",
    ):
        for semantics in Semantics:
            with model.masked(text, semantics), per_head.masked(text, semantics):
                np.testing.assert_allclose(
                    model.predict_logits(inputs),
                    per_head.predict_logits(inputs),
                    rtol=1e-5,
                    atol=1e-5,
                )
    # What is masked in each of the heads is masked in the layer.
    with model.masked("layer1.head0:p2;layer1.head1:p2"):
        assert model.configuration == cell(1, "p2")
        both = model.predict_logits(inputs)
    with model.masked("layer1:p2"):
        np.testing.assert_array_equal(model.predict_logits(inputs), both)
    np.testing.assert_array_equal(
        per_head.predict_logits(inputs), model.predict_logits(inputs)
    )


def test_masked_restores_what_was_masked_before(model):
    inputs = random_inputs()

    def state():
        tables = [to_numpy(one.value) for one in model.network.reader.zone_tables]
        logits = model.predict_logits(inputs)
        return model.configuration, model.semantics, np.stack(tables), logits

    def same(one, other):
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    outer = state()
    with model.masked("layer0:all", semantics="published") as inside:
        assert inside is model
        first = state()
        with model.masked("layer1.head0:p2q"):
            assert model.semantics is Semantics.STRICT
            second = state()
            with pytest.raises(ZeroDivisionError, match="division by zero"):
                with model.masked("layer2:q2"):
                    1 / 0  # noqa: B018
            assert same(state(), second)
        assert same(state(), first)
        with pytest.raises(
            InputError, match="^Expected layers 0 to 2 and heads 0 to 1"
        ):
            with model.masked("layer3:q2"):
                pytest.fail("entered the block")
        assert same(state(), first)
    assert same(state(), outer)
    assert not same(first, outer)
    assert not same(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("layer3:q2",), r"Received: layer3:q2\.$"),
        (("layer0.head2:q2",), r"Received: layer0\.head2:q2\.$"),
        (("layer0:q3",), "^Expected zones out of all, q2, q2p, p2q, p2, cls"),
        (
            ("layer0:all", "loose"),
            r"^Expected semantics strict or published\. Received: 'loose'\.$",
        ),
    ],
)
def test_a_mask_that_does_not_exist_changes_nothing(model, arguments, message):
    model.mask("layer1:p2")
    logits = model.predict_logits(random_inputs())
    with pytest.raises(InputError, match=message):
        model.mask(*arguments)
    assert model.configuration == cell(1, Zone.P2)
    np.testing.assert_array_equal(model.predict_logits(random_inputs()), logits)


SHORT = "Rain fell on  Thé BRIDGE, then past red roofs."
LONG = "The sea has a boat. " * 30 + SHORT + " North flows the river." * 30


@pytest.mark.parametrize("passage", [SHORT, LONG, SHORT + LONG[:400]])
def test_answer_finds_the_characters_of_the_best_span(passage):
    finder = make_finder("bridge", "roofs")
    answer = finder.answer("Where?", passage)
    assert answer.text == "BRIDGE, then past red roofs"
    assert passage[answer.start : answer.end] == answer.text
    assert answer.score == 20
    assert max(finder.network.lengths) <= finder.max_sequence_length


def test_answer_reads_every_window_of_a_long_passage():
    finder = make_finder("bridge", "roofs")
    finder.answer("Where?", LONG, max_seq_length=40, doc_stride=9)
    assert max(finder.network.lengths) <= 40
    # The first word of the last window that has the answer, not of the first.
    assert finder.answer("Where?", LONG + LONG).start == LONG.index("BRIDGE")


def test_answer_is_under_the_current_mask_and_may_be_empty():
    finder = make_finder("bridge", "roofs")
    arguments = {"question": "Where?", "passage": SHORT}
    assert finder.answer(**arguments, version_2_with_negative=True).text != ""
    with finder.masked("layer0:q2p"):
        answer = finder.answer(**arguments, version_2_with_negative=True)
        assert (answer.text, answer.start, answer.end) == ("", -1, -1)
        assert answer.null_odds == 100 - 20
        lenient = finder.answer(
            **arguments, version_2_with_negative=True, null_score_diff_threshold=81
        )
        assert lenient.text == "BRIDGE, then past red roofs"
        assert finder.answer(**arguments).text == lenient.text


def test_answer_is_the_best_pair_of_a_loop_over_all_pairs(model):
    question, passage = (
        "Which river flows?",
        "The boat went under a bridge, past roofs.",
    )
    features = encode_pair(question, passage, model.tokenizer, max_seq_length=61)
    arrays = features.arrays([0], int(features.lengths[0]))
    (logits,) = model.predict_logits(arrays)
    places = np.flatnonzero(arrays["roles"][0] == Role.PASSAGE)
    score, start, end = max(
        (logits[i, 0] + logits[j, 1], i, j) for i in places for j in places if i <= j
    )
    ((_, offsets),) = model.tokenizer.encode([passage])
    answer = model.answer(question, passage)
    assert answer.score == pytest.approx(float(score), rel=1e-4)
    assert answer.start == offsets[start - places[0], 0]
    assert answer.end == offsets[end - places[0], 1]


@pytest.mark.parametrize("name", ["question", "passage"])
def test_answer_needs_a_question_and_a_passage(model, name):
    texts = {"question": "Where?", "passage": SHORT} | {name: " \n"}
    with pytest.raises(
        InputError, match=rf"^Expected a {name}\. Received: {name}=' \\n'\.$"
    ):
        model.answer(**texts)


@pytest.mark.both_backends
def test_save_and_load_give_the_same_model_unmasked(tmp_path):
    model = tiny_model(per_head_tables=True)
    inputs = random_inputs()
    baseline = model.predict_logits(inputs)
    model.mask("layer0:p2")
    masked = model.predict_logits(inputs)
    model.save(tmp_path / "reader")
    assert model.configuration == cell(0, "p2")
    np.testing.assert_array_equal(model.predict_logits(inputs), masked)
    assert sorted(path.name for path in (tmp_path / "reader").iterdir()) == [
        "model.keras",
        "tokenizer.json",
        "tokenizer_config.json",
        "zonekeras.json",
    ]

    loaded = load(tmp_path / "reader")
    assert loaded.configuration == Configuration()
    np.testing.assert_array_equal(loaded.predict_logits(inputs), baseline)
    for old, new in zip(
        open_tables(3, 2), loaded.network.reader.zone_tables, strict=True
    ):
        np.testing.assert_array_equal(to_numpy(new.value), old)
    assert loaded.description == model.description
    assert loaded.fingerprint() == model.fingerprint()
    assert loaded.tokenizer.fingerprint == model.tokenizer.fingerprint
    stored = json.loads((tmp_path / "reader" / "zonekeras.json").read_text("utf-8"))
    assert stored["fingerprint"] == model.fingerprint()
    assert stored["format"] == 2


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model whose first two layers share weights, and its directory."""
    model = tiny_model(block_of_layer=(0, 0, 1))
    model.mask("layer1:q2")
    directory = tmp_path_factory.mktemp("exported")
    model.export(directory, NO_TEXT)
    assert model.configuration == cell(1, "q2")
    return model, directory


@only_tensorflow
def test_export_and_load_give_the_same_numbers_for_every_cell(exported):
    from zonekeras.models.saved_model import SavedModelNetwork

    model, directory = exported
    saved = load(directory)
    assert isinstance(saved.network, SavedModelNetwork)
    assert (saved.num_layers, saved.num_heads) == (3, 2)
    assert saved.description == model.description
    assert saved.configuration == Configuration()
    assert saved.fingerprint() == model.fingerprint()
    for configuration in ["baseline", *cells(3), "layer1.head0:p2q", "all-layers:all"]:
        for semantics in Semantics:
            model.mask(configuration, semantics)
            saved.mask(configuration, semantics)
            for inputs in (random_inputs(), random_inputs(2, 5)):
                logits = saved.predict_logits(inputs)
                assert logits.dtype == np.float32
                np.testing.assert_allclose(
                    logits, model.predict_logits(inputs), rtol=1e-5, atol=1e-5
                )
    assert saved.network.num_traces == 1


@only_tensorflow
def test_an_exported_model_can_be_loaded_as_keras_model(exported):
    model, directory = exported
    loaded = load(directory, prefer_saved_model=False)
    assert loaded.configuration == Configuration()
    assert loaded.fingerprint() == model.fingerprint()
    with model.masked("baseline"):
        np.testing.assert_array_equal(
            loaded.predict_logits(random_inputs()),
            model.predict_logits(random_inputs()),
        )


@only_tensorflow
def test_a_loaded_saved_model_is_not_saved_again(exported, tmp_path):
    loaded = load(exported[1])
    for write in (loaded.save, loaded.export):
        with pytest.raises(
            InputError,
            match="^Expected a Keras model to save. Received: a loaded SavedModel. "
            "Load the model directory with prefer_saved_model=False.$",
        ):
            write(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@only_tensorflow
def test_another_model_in_the_same_directory_is_the_one_that_loads(tmp_path):
    first, second = (tiny_model(seed=seed, block_of_layer=(0,)) for seed in (1, 2))
    first.export(tmp_path, NO_TEXT)
    second.save(tmp_path)
    assert load(tmp_path).fingerprint() == second.fingerprint()
    (tmp_path / "partial-1").mkdir()  # left behind by an export that was killed
    first.export(tmp_path, NO_TEXT)
    assert load(tmp_path).fingerprint() == first.fingerprint()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1",
        "model.keras",
        "tokenizer.json",
        "tokenizer_config.json",
        "zonekeras.json",
    ]


@pytest.mark.both_backends
@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="this backend writes SavedModels"
)
def test_export_needs_tensorflow(model, tmp_path):
    with pytest.raises(
        InputError,
        match="^Expected the TensorFlow backend to write a SavedModel. Received: jax. "
        "Set KERAS_BACKEND=tensorflow, or use save.$",
    ):
        model.export(tmp_path / "reader")
    assert not (tmp_path / "reader").exists()


def test_fingerprint_is_of_the_weights_and_how_they_are_used(model):
    fingerprint = model.fingerprint()
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    with model.masked("layer0:q2"):
        assert model.fingerprint() == fingerprint
    same = {"dropout": 0.3, "attention_dropout": 0.0, "per_head_tables": True}
    assert tiny_model(**same).fingerprint() == fingerprint
    for sizes in ({"activation": "gelu"}, {"layer_norm_epsilon": 1e-6}, {"seed": 1}):
        assert tiny_model(**sizes).fingerprint() != fingerprint
    other = tiny_model()
    for variable in other.network.reader.trainable_variables:
        value = to_numpy(variable.value)
        changed = value.copy()
        changed.flat[-1] += 1e-3
        variable.assign(changed)
        assert other.fingerprint() != fingerprint
        variable.assign(value)
    assert other.fingerprint() == fingerprint


def test_mixed_precision_computes_close_to_float32(model, tmp_path):
    model.save(tmp_path)
    mixed = load(tmp_path, dtype="mixed_bfloat16")
    assert mixed.description.precision == "mixed_bfloat16"
    assert mixed.fingerprint() == model.fingerprint()
    inputs = random_inputs()
    for configuration in ("baseline", "layer0:p2", "layer1:all"):
        with model.masked(configuration), mixed.masked(configuration):
            logits, expected = (one.predict_logits(inputs) for one in (mixed, model))
        assert logits.dtype == np.float32
        real = inputs["roles"] != Role.PAD
        np.testing.assert_allclose(logits[real], expected[real], atol=0.25)
        assert (logits != expected).any()
    mixed.save(tmp_path / "mixed")
    again = load(tmp_path / "mixed")
    assert again.description.precision == "mixed_bfloat16"
    assert again.network.reader.compute_dtype == "bfloat16"
    exact = load(tmp_path / "mixed", dtype="float32")
    np.testing.assert_array_equal(
        exact.predict_logits(inputs), model.predict_logits(inputs)
    )


SOURCES = (
    "Expected a model directory of zonekeras (zonekeras.json), a Hugging Face "
    "directory (config.json, model.safetensors), a TF1 BERT checkpoint "
    "(bert_config.json, bert_model.ckpt.*, vocab.txt), or the name of a KerasHub "
    "preset. "
)


def refuses(source, message, **arguments):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        load(source, **arguments)


def test_load_refuses_what_is_no_model_directory(tmp_path):
    missing = tmp_path / "missing"
    refuses(missing, f"{SOURCES}Received: {missing}, no such directory.")
    file = tmp_path / "file"
    file.write_text("x")
    refuses(file, f"{SOURCES}Received: {file}, a file.")
    empty = tmp_path / "empty"
    empty.mkdir()
    refuses(empty, f"{SOURCES}Received: {empty}, which has none of it.")


def test_load_refuses_an_empty_name_and_a_dtype_it_does_not_have(tmp_path):
    refuses("", f"{SOURCES}Received: an empty name.")
    refuses(
        tmp_path,
        "Expected a dtype policy of float32, mixed_bfloat16, mixed_float16. "
        "Received: dtype='float16'.",
        dtype="float16",
    )


@pytest.fixture
def model_directory(model, tmp_path):
    model.save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (
            lambda text: text[:40],
            r"JSONDecodeError: .*line \d+ column \d+ \(char \d+\)",
        ),
        (lambda text: "[]", "TypeError: list indices must be integers .*"),
        (lambda text: text.replace('"encoder"', '"decoder"'), "KeyError: 'encoder'"),
        (
            lambda text: text.replace('"family"', '"tribe"'),
            r"ValueError: Expected fields of EncoderConfig. Received: \['tribe'\]. "
            "The file was written by another version of zonekeras",
        ),
    ],
)
def test_load_refuses_a_broken_description(model_directory, change, received):
    path = model_directory / "zonekeras.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(
        InputError,
        match=f"^Expected the description of a model in {re.escape(str(path))}. "
        rf"Received: {received}\.+ Write the model directory again\.$",
    ):
        load(model_directory)


def test_load_refuses_another_format_and_ignores_new_keys(model_directory):
    path = model_directory / "zonekeras.json"
    content = json.loads(path.read_text("utf-8")) | {"mood": "good"}
    path.write_text(json.dumps(content), "utf-8")
    assert load(model_directory).num_layers == 3
    path.write_text(json.dumps(content | {"format": 3}), "utf-8")
    refuses(
        model_directory,
        f"Expected a model directory of format 2 or lower in {path}. Received: format "
        "3, which another version of zonekeras wrote.",
    )


def test_load_refuses_a_keras_file_that_is_not_ours(model_directory):
    path = model_directory / "model.keras"
    foreign = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    foreign.save(path)
    refuses(model_directory, f"Expected a SpanReader in {path}. Received: Sequential.")
    code = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)])
    code.save(path)
    refuses(model_directory, f"Expected a SpanReader in {path}. Received: Sequential.")
    path.write_bytes(b"x")
    with pytest.raises(InputError, match="Received: a damaged file. Write the"):
        load(model_directory)
    path.unlink()
    with pytest.raises(InputError, match="Received: no such file. Write the"):
        load(model_directory)


def test_one_flipped_byte_in_a_keras_file_is_found(model_directory):
    path = model_directory / "model.keras"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="^Expected .*Write the model directory again"):
        load(model_directory)


def test_files_of_two_models_in_one_directory_are_refused(model_directory, tmp_path):
    other = tiny_model(seed=7)
    other.save(tmp_path / "other")
    (tmp_path / "other" / "model.keras").replace(model_directory / "model.keras")
    refuses(
        model_directory,
        f"Expected in {model_directory} the weights that its zonekeras.json describes. "
        "Received: others; files of two models are mixed, or one was changed. Write "
        "the model directory again.",
    )


def test_the_case_of_the_text_can_be_chosen_for_a_model_directory(model_directory):
    assert load(model_directory).tokenizer.lowercase
    assert not load(model_directory, do_lower_case=False).tokenizer.lowercase


def test_a_model_without_a_head_says_so_every_time_it_is_loaded(model, tmp_path):
    headless = replace(model.description, has_head=False)
    ZoneModel(model.network, model.tokenizer, headless).save(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(tmp_path)
    assert NO_HEAD in [str(warning.message) for warning in caught]


def test_nobody_elses_folder_is_removed(model, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "thesis.txt").write_text("mine")
    with pytest.raises(
        InputError,
        match=f"^Expected a new directory, or one of our models. Received: {tmp_path}, "
        "with a 1/ in it that zonekeras did not write. Choose another directory.$",
    ):
        model.save(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["1", "thesis.txt"]


def test_a_mask_of_one_head_leaves_the_one_table_models_variables_open(model):
    model.mask("layer1.head0:p2q")
    for variable in model.network.reader.zone_tables:
        np.testing.assert_array_equal(to_numpy(variable.value), open_tables(1)[0])


@only_tensorflow
def test_load_refuses_a_saved_model_that_is_not_ours(model_directory):
    import tensorflow as tf

    path = model_directory / "1"
    foreign = tf.Module()
    foreign.logits = tf.function(lambda x: x, [tf.TensorSpec([None])])
    tf.saved_model.save(foreign, str(path))
    refuses(
        model_directory,
        f"Expected a SavedModel written by zonekeras in {path}. It has no zone_tables, "
        "parameters, num_heads. Export the model with ZoneModel.export.",
    )
    assert load(model_directory, prefer_saved_model=False).num_layers == 3
    (path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(
        InputError,
        match=f"^Expected a SavedModel in {re.escape(str(path))}. It cannot be loaded: "
        ".* Export the model again.$",
    ):
        load(model_directory)


def test_a_model_says_what_it_is_and_what_is_masked(reader):
    with reader.masked("layer1:p2"):
        line, page = repr(reader), reader._repr_html_()
    assert line.startswith("ZoneModel(")
    for words in ("bert, 3 layers x 2 heads, 14 wide, 61 tokens", "layer1:p2 (strict)"):
        assert words in line
        assert words in page
    assert "baseline" in repr(reader)

"""What a server can ask of an exported model, against the model in Python."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.builders import READING, WORDS, tiny_model, tiny_unigram_tokenizer
from tests.graph.processes import ask_by_c_api
from zonekeras.errors import InputError
from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.zones import Role, open_tables, parse_configuration

tf = pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

L, N, R = 3, 2, 5
NAMES = ("question", "passage", "mask")
OUTPUTS = ["answer", "end", "error", "null_score", "score", "start"]


class Exported(NamedTuple):
    """A model, its SavedModel, what was loaded of it, and how it decodes."""

    model: Any
    directory: Path
    loaded: Any
    decoding: dict[str, Any]


@pytest.fixture(scope="module")
def plain(reader, exported_reader, loaded_reader):
    """WordPiece, one table a layer, an answer to everything."""
    return Exported(reader, exported_reader / "1", loaded_reader, {})


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """SentencePiece, a table for each head, and "no answer" allowed."""
    model = tiny_model(tokenizer=tiny_unigram_tokenizer(), per_head_tables=True)
    directory = tmp_path_factory.mktemp("exported")
    decoding = {"version_2_with_negative": True}
    answer = AnswerOptions(**READING, **decoding)
    model.export(directory, ExportOptions(answer, (0, 2), stateful=True))
    loaded = tf.saved_model.load(str(directory / "1"))
    return Exported(model, directory / "1", loaded, decoding)


@pytest.fixture(params=["plain", "other"])
def exported(request):
    """Both readers; what a test assigns does not stay."""
    found = request.getfixturevalue(request.param)
    yield found
    found.model.unmask()
    for variable, table in zip(found.loaded.zone_tables, open_tables(L), strict=True):
        variable.assign(tf.broadcast_to(table, variable.shape))


def ask(loaded, rows):
    """Calls `answer` on (question, passage, mask) and returns its outputs as arrays."""
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    tensors = [
        tf.constant([_bytes(text) for text in column], tf.string) for column in columns
    ]
    outputs = loaded.signatures["answer"](**dict(zip(NAMES, tensors, strict=True)))
    assert sorted(outputs) == OUTPUTS
    assert {name: tensor.dtype for name, tensor in outputs.items()} == {
        "answer": tf.string,
        "start": tf.int32,
        "end": tf.int32,
        "score": tf.float32,
        "null_score": tf.float32,
        "error": tf.string,
    }
    assert {tuple(tensor.shape) for tensor in outputs.values()} == {(len(rows),)}
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def random_rows(count, seed=0, longest=90):
    """Questions, passages and masks; most passages need several windows."""
    random = np.random.default_rng(seed)
    masks = [
        "",
        "layer1:p2q",
        "all-layers:p2",
        "layer0:q2;layer2:all",
        "layer1.head1:p2",
    ]
    words = [*WORDS, "Cafés", "été,", "北京", "\U0001f600", "boats"]
    return [
        (
            " ".join(random.choice(words, random.integers(1, 9))) + "?",
            " ".join(random.choice(words, random.integers(1, longest))) + ".",
            masks[row % len(masks)],
        )
        for row in range(count)
    ]


def assert_answers(exported, rows, outputs):
    """Compares every row with `ZoneModel.answer` under the same mask."""
    model, decoding = exported.model, exported.decoding
    for row, (question, passage, mask) in enumerate(rows):
        with model.masked(mask):
            expected = model.answer(question, passage, **READING, **decoding)
        assert outputs["error"][row] == b""
        assert outputs["answer"][row].decode() == expected.text
        assert (outputs["start"][row], outputs["end"][row]) == (
            expected.start,
            expected.end,
        )
        if expected.text:
            assert passage[expected.start : expected.end] == expected.text
        np.testing.assert_allclose(
            [outputs["score"][row], outputs["null_score"][row]],
            [expected.score, expected.null_score],
            rtol=1e-4,
            atol=1e-4,
        )


def test_answers_are_those_of_the_python_path(exported):
    rows = random_rows(25)
    outputs = ask(exported.loaded, rows)
    assert_answers(exported, rows, outputs)
    assert len(set(outputs["answer"])) > 10
    assert (b"" in outputs["answer"]) == bool(exported.decoding)


def test_sentencepiece_runs_where_python_has_no_tensorflow(other, tmp_path):
    """Its model is a resource that the loader has to make."""
    rows = random_rows(3)
    inputs = {
        name: np.array([text.encode() for text in column], object)
        for name, column in zip(NAMES, zip(*rows, strict=True), strict=True)
    }
    (outputs,), _ = ask_by_c_api(other.directory, [("answer", inputs)], tmp_path)
    assert_answers(other, rows, outputs)


def test_the_variables_play_no_part(exported):
    rows = random_rows(5)
    for variable in exported.loaded.zone_tables:
        variable.assign(tf.zeros_like(variable))
    assert_answers(exported, rows, ask(exported.loaded, rows))


WRONG = [
    ("", "the river.", "", "Expected a question. Received: none."),
    ("which?", " \n\u3000", "", "Expected a passage. Received: none."),
    (b"\xff", "the river.", "", "Expected UTF-8. Received: a question that is not."),
    ("which?", b"the \xe4", "", "Expected UTF-8. Received: a passage that is not."),
    ("which?", "the river.", b"\xed\xa0\x80", "Expected UTF-8. Received: a mask that"),
    ("which?", "the river.", "layer3:q2", "Expected layers 0 to 2 and heads 0 to 1"),
    ("which?", "the river.", "layer1:q3", "Expected zones out of all, q2, q2p"),
    (
        "?" * 10_001,
        "the river.",
        "",
        "Expected at most 10000 characters in a question.",
    ),
    (
        "the river " * 14,  # 28 of a window's 31 tokens, 3 of which are special
        "the river.",
        "",
        "Expected a question of at most 27 tokens, since a window has 31.",
    ),
    ("which?", "a" * 100_001, "", "Received: 100001."),
    (
        "which?",
        "the river.",
        ";" * 1001,
        "Expected at most 1000 characters in a mask.",
    ),
]


def test_a_bad_row_has_a_message_and_its_neighbours_their_answers(plain):
    good = random_rows(len(WRONG) + 1, seed=3, longest=30)
    rows = [good[0]]
    for wrong, right in zip(WRONG, good[1:], strict=True):
        rows += [wrong[:3], right]
    outputs = ask(plain.loaded, rows)
    for row, wrong in enumerate(WRONG):
        found = {name: values[2 * row + 1] for name, values in outputs.items()}
        assert wrong[3] in found.pop("error").decode()
        assert found == {
            "answer": b"",
            "start": -1,
            "end": -1,
            "score": 0.0,
            "null_score": 0.0,
        }
    assert_answers(plain, good, {name: values[::2] for name, values in outputs.items()})


def test_no_rows(plain):
    ask(plain.loaded, [])


def test_a_passage_without_a_token_has_no_answer(plain):
    outputs = ask(plain.loaded, [("which?", "\u200b\u0301", "")])
    assert outputs["error"].tolist() == outputs["answer"].tolist() == [b""]
    assert outputs["start"].tolist() == outputs["end"].tolist() == [-1]
    assert outputs["score"].tolist() == [np.finfo(np.float32).min]


def test_every_input_and_output_has_the_row_as_its_first_axis(plain):
    """What a server's batching asks for."""
    signatures = plain.loaded.signatures
    assert sorted(signatures) == [
        "answer",
        "attention",
        "get_mask",
        "logits",
        "serving_default",
        "set_mask",
    ]
    for signature in signatures.values():
        _, inputs = signature.structured_input_signature
        assert inputs
        for spec in (*inputs.values(), *signature.structured_outputs.values()):
            assert spec.shape.rank >= 1
            assert spec.shape[0] is None


def inputs_of(batch, length, seed=0):
    random = np.random.default_rng(seed)
    return {
        "token_ids": tf.constant(random.integers(5, 47, (batch, length)), tf.int32),
        "segment_ids": tf.zeros([batch, length], tf.int32),
        "roles": tf.constant(
            1 + np.arange(length)[None] % 4 + np.zeros((batch, 1)), tf.int32
        ),
    }


def test_attention_weights_of_the_layers_asked_for(exported):
    model, loaded = exported.model, exported.loaded
    inputs = inputs_of(2, 13)
    texts = ["layer2:p2", "baseline"]
    tables = np.stack([parse_configuration(text).tables(L, N) for text in texts])
    tables = tables[:, :, : model.network.table_heads]
    outputs = loaded.signatures["attention"](**inputs, zone_tables=tf.constant(tables))
    assert sorted(outputs) == ["layer_0", "layer_2"]
    roles = inputs["roles"].numpy()[0]
    is_p2 = (roles[:, None] == Role.PASSAGE) & (roles == Role.PASSAGE)
    for weights in outputs.values():
        assert weights.shape == (2, N, 13, 13)
        np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1, rtol=1e-5)
    last = outputs["layer_2"].numpy()
    assert (last[0][:, is_p2] == 0).all()
    assert (last[1] > 0).all() and (outputs["layer_0"].numpy() > 0).all()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("token_ids", (-1, 47)),
        ("segment_ids", (-1, 2)),
        ("roles", (-1, 5)),
        ("token_ids", (-(2**31), 2**31 - 1)),
    ],
)
def test_an_id_that_the_model_lacks_costs_its_row_alone(exported, name, values):
    """To the last bit: of three rows the middle one has it."""
    length = 11
    inputs = inputs_of(3, length)
    masks = ["layer1:p2q", "", "all-layers:q2"]
    tables = np.stack([parse_configuration(mask).tables(L, 1) for mask in masks])
    tables = tf.constant(tables)
    signatures = exported.loaded.signatures
    for value in values:
        for column in (0, length - 1):
            wrong = tf.tensor_scatter_nd_update(inputs[name], [[1, column]], [value])
            for signature in ("serving_default", "attention", "logits"):
                more = {} if signature == "logits" else {"zone_tables": tables}
                right = signatures[signature](**inputs, **more)
                found = signatures[signature](**inputs | {name: wrong}, **more)
                assert sorted(found) == sorted(right)
                for output, expected in right.items():
                    assert np.isfinite(expected).all()
                    assert np.isnan(found[output][1]).all()
                    for row in (0, 2):
                        np.testing.assert_array_equal(found[output][row], expected[row])


def test_the_first_and_last_ids_are_read_as_they_are(exported):
    """By the functions beneath the signatures, which clip nothing."""
    inputs = {
        name: tf.constant([[0, last], [last, 0]], tf.int32)
        for name, last in (("token_ids", 46), ("segment_ids", 1), ("roles", 4))
    }
    tables = tf.ones([2, L, 1, R, R])
    loaded = exported.loaded
    expected = loaded.serving_default(**inputs, zone_tables=tables)
    found = loaded.signatures["serving_default"](**inputs, zone_tables=tables)
    for name, values in expected.items():
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(found[name], values)


def test_more_tokens_than_positions_are_refused(plain):
    tables = tf.ones([1, L, 1, R, R])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"61 is not in \[0, 61\)"):
        plain.loaded.signatures["serving_default"](
            **inputs_of(1, 62), zone_tables=tables
        )


def test_an_assigned_mask_is_kept_returned_and_read(exported):
    model, loaded = exported.model, exported.loaded
    inputs = inputs_of(3, 11)
    set_mask, get_mask, logits = (
        loaded.signatures[name] for name in ("set_mask", "get_mask", "logits")
    )

    def read():
        outputs = logits(**inputs)
        return np.stack([outputs["start_logits"], outputs["end_logits"]], axis=-1)

    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    for mask in ("layer1:p2q", "all-layers:q2", ""):
        assert set_mask(mask=tf.constant([mask]))["error"].numpy().tolist() == [b""]
        with model.masked(mask):
            np.testing.assert_allclose(
                read(), model.predict_logits(arrays), rtol=1e-5, atol=1e-5
            )
        tables = get_mask(row=tf.constant([7, 8]))["zone_tables"].numpy()
        expected = parse_configuration(mask).tables(L, N)
        heads = model.network.table_heads
        np.testing.assert_array_equal(tables, np.stack([expected[:, :heads]] * 2))
    set_mask(mask=tf.constant(["layer0:p2"]))
    masked = read()
    wrong = tf.constant(["layer9:p2", b"\xff", ";" * 1001])
    errors = set_mask(mask=wrong)["error"].numpy()
    assert errors[0].startswith(b"Expected layers 0 to 2")
    assert errors[1] == b"Expected UTF-8. Received: a mask that is not."
    assert errors[2].endswith(b"at most 1000 characters in a mask. Received: 1001.")
    assert set_mask(mask=tf.zeros([0], tf.string))["error"].shape == (0,)
    np.testing.assert_array_equal(read(), masked)


def test_a_mask_of_one_head_needs_a_table_of_its_own(exported):
    set_mask = exported.loaded.signatures["set_mask"]
    (error,) = set_mask(mask=tf.constant(["layer1.head1:p2q"]))["error"].numpy()
    if exported.model.network.table_heads == N:
        assert error == b""
    else:
        assert error.startswith(b"Expected a mask of whole layers")


def test_what_is_exported_by_default_assigns_nothing(plain):
    def assigning(name):
        definitions = plain.loaded.signatures[name].graph.as_graph_def()
        nodes = [node for one in definitions.library.function for node in one.node_def]
        operations = {node.op for node in [*definitions.node, *nodes]}
        return {operation for operation in operations if "Assign" in operation}

    assert assigning("set_mask") == {"AssignVariableOp"}
    for name in ("answer", "serving_default", "attention", "get_mask", "logits"):
        assert not assigning(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ExportOptions(AnswerOptions(4, doc_stride=0, n_best_size=-1), (3, 0)),
            "^Expected positive numbers, max_seq_length of at least 5, and layers from "
            "0 to 2. Received: doc_stride=0, n_best_size=-1, max_seq_length=4, "
            "attention_layers=3.$",
        ),
    ],
)
def test_wrong_options_write_nothing(reader, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        reader.export(tmp_path / "model", options)
    assert not (tmp_path / "model").exists()

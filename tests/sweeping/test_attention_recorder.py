"""Attention mass: by hand, against every single weight, and in whole sweeps."""

import numpy as np
import pytest

from tests.backends import to_numpy
from tests.builders import tiny_squad, write_json
from tests.sweeping.sweeps import SETTINGS, count_calls, results
from zonekeras.analysis.attention_examples import example_windows, words_of
from zonekeras.analysis.attention_masses import (
    mass_of,
    zone_masses,
    zones_with_mass,
)
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.statistics.attention_mass import cells_with_mass, mass_correlation
from zonekeras.store.protocol_csv import read_results_csv
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.sweeping import engine, merge_runs, run_shard, run_sweep
from zonekeras.zones import (
    FOUR_ZONES,
    PROTOCOL_ZONES,
    Role,
    Zone,
    parse_configuration,
)

pytestmark = pytest.mark.both_backends

CHOSEN = ["layer0:p2", "layer0:q2", "layer1:all", "layer2:q2p", "layer1.head1:p2q"]
ASKED = {"configurations": CHOSEN, "attention_questions": 4, **SETTINGS}


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.fixture(scope="module")
def features(reader, dev):
    lengths = {"max_seq_length": 29, "doc_stride": 7}
    return build_features(read_squad(dev), reader.tokenizer, **lengths)


@pytest.fixture(scope="module")
def undisturbed(reader, dev, tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed") / "out"
    return directory, run_sweep(reader, dev, directory, **ASKED)


@pytest.fixture(scope="module")
def weights(reader, features):
    """Each window's attention weights [L, N, T, T], run alone and unpadded."""
    found = []
    for window in range(features.num_windows):
        inputs = features.arrays([window], int(features.lengths[window]))
        by_layer = reader.network.reader.encoder.attention(inputs, (0, 1, 2))
        found.append(np.stack([to_numpy(by_layer[layer])[0] for layer in range(3)]))
    return found


def mass_by_the_book(features, weights, zone, layer, head):
    """Looks at every pair of tokens of every window."""
    pairs = {
        "q2": lambda query, key: (query, key) == (Role.QUESTION, Role.QUESTION),
        "p2": lambda query, key: (query, key) == (Role.PASSAGE, Role.PASSAGE),
        "q2p": lambda query, key: query != Role.PASSAGE and key == Role.PASSAGE,
        "p2q": lambda query, key: query != Role.QUESTION and key == Role.QUESTION,
    }
    shares = []
    for window, found in enumerate(weights):
        roles = features.arrays([window], int(features.lengths[window]))["roles"][0]
        mass = sum(
            found[layer, head, i, j]
            for i, query in enumerate(roles)
            for j, key in enumerate(roles)
            if pairs[zone](query, key)
        )
        shares.append(mass / len(roles))
    return np.mean(shares)


def test_masses_by_hand():
    """CLS and two passage tokens; padding's own row counts for nothing."""
    masses = np.zeros((1, 1, 1, 5, 5), np.float32)
    masses[..., Role.CLS, Role.PASSAGE] = 0.5
    masses[..., Role.PASSAGE, Role.PASSAGE] = 1.2
    masses[..., Role.PASSAGE, Role.CLS] = 0.8
    masses[..., Role.CLS, Role.CLS] = 0.5
    masses[..., Role.PAD, Role.PASSAGE] = 9.0
    found = dict(
        zip(FOUR_ZONES, zone_masses(masses, np.array([3])).ravel(), strict=True)
    )
    assert found == pytest.approx({"q2": 0, "q2p": 0.5 / 3, "p2q": 0, "p2": 0.4})


def test_parts_of_zones_have_masses_after_the_four():
    masses = np.zeros((1, 1, 1, 5, 5), np.float32)
    masses[..., Role.CLS, Role.QUESTION] = 0.5
    masses[..., Role.CLS, Role.PASSAGE] = 0.25
    masses[..., Role.QUESTION, Role.PASSAGE] = 1.5
    masses[..., Role.PASSAGE, Role.QUESTION] = 2.0
    masses[..., Role.SEP, Role.PASSAGE] = 4.0
    assert zones_with_mass(PROTOCOL_ZONES) == FOUR_ZONES
    zones = zones_with_mass([Zone.Q2, Zone.CLS2P])
    assert zones[:4] == FOUR_ZONES
    found = zone_masses(masses, np.array([8]), zones)[0]
    named = dict(zip(zones, 8 * found.ravel(), strict=True))
    assert named == {
        **{"q2": 0.0, "q2p": 5.75, "p2q": 2.5, "p2": 0.0},
        **{"cls2q": 0.5, "cls2p": 0.25, "q2p-text": 1.5, "p2q-text": 2.0},
    }

    def mass(text, known=found):
        return 8 * mass_of(parse_configuration(text), known, "strict")

    assert mass("layer0:cls2p+p2q-text") == 2.25
    assert mass("layer0:all") == 8.25  # parts are not counted twice
    assert np.isnan(mass("layer0:cls2p+q2p"))  # overlap
    assert np.isnan(mass("layer0:cls2p", found[..., :4]))  # a store without parts


def test_what_a_configuration_masks_is_what_it_carries():
    masses = np.arange(24, dtype=float).reshape(3, 2, 4)  # L, N, (q2, q2p, p2q, p2)
    for text, expected in {
        "layer1:q2": (8 + 12) / 2,
        "layer1:q2+p2": (8 + 12 + 11 + 15) / 2,
        "layer1.head1:p2q": 14,
        "layer0:all": (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7) / 2,
    }.items():
        assert mass_of(parse_configuration(text), masses, "strict") == expected
    nothing = ["baseline", "layers0-1:q2", "layer0:q2;layer1:q2", "layer1:control1-q2"]
    for text in nothing:
        assert np.isnan(mass_of(parse_configuration(text), masses, "strict"))
    assert np.isnan(mass_of(parse_configuration("layer0:all"), masses, "published"))


def test_masses_are_those_of_every_single_weight(undisturbed, features, weights):
    _, result = undisturbed
    assert result.attention.shape == (3, 2, 4)
    for layer, head, number in [(0, 0, 0), (1, 1, 3), (2, 0, 1), (2, 1, 2)]:
        expected = mass_by_the_book(features, weights, FOUR_ZONES[number], layer, head)
        assert result.attention[layer, head, number] == pytest.approx(
            expected, abs=1e-5
        )
    assert (result.attention > 0).all()
    assert (result.attention.sum(axis=2) < 1).all()


def test_tables_and_files(undisturbed):
    directory, result = undisturbed
    column = result.table.set_index("configuration")["attention_mass"]
    p2 = result.attention[0, :, FOUR_ZONES.index("p2")].mean()
    assert column["layer0:p2"] == pytest.approx(p2)
    assert column["layer1.head1:p2q"] == pytest.approx(result.attention[1, 1, 2])
    assert np.isnan(column["baseline"])
    table = read_results_csv(directory / "attention.csv")
    assert len(table) == 15
    four = sum(table[1, zone] for zone in FOUR_ZONES)
    assert table[1, "all"] == pytest.approx(four, abs=2.5e-3)  # three decimals each
    assert table[1, "all"] == pytest.approx(100 * column["layer1:all"], abs=5e-4)
    assert (directory / "mass_effect.png").read_bytes().startswith(b"\x89PNG")
    cells = cells_with_mass(result.table)["configuration"].tolist()
    assert cells == ["layer0:p2", "layer0:q2", "layer2:q2p"]
    found = mass_correlation(result.table, "f1")
    rows = result.table.set_index("configuration").loc[cells]
    expected = np.corrcoef(rows["attention_mass"], rows["f1_effect"])[0, 1]
    assert found.value == pytest.approx(expected)


def test_examples_are_the_windows_weights(undisturbed, features, weights):
    import json
    import zlib

    with SweepStore(undisturbed[0] / STORE_FILE) as store:
        examples = store.attention_examples(1)
    chosen = example_windows(features, 4)
    assert sorted(chosen.values()) == list(examples) == [0, 3, 5, 8]
    for window, question in chosen.items():
        words = json.loads(examples[question].words)
        steps = np.frombuffer(zlib.decompress(examples[question].weights), np.uint8)
        steps = steps.reshape(3, 2, len(words), len(words))
        _, word_of_token = words_of(features, window)
        expected = np.zeros(steps.shape)
        for query, key in np.ndindex(steps.shape[2:]):
            rows, columns = word_of_token == query, word_of_token == key
            block = weights[window][:, :, rows][:, :, :, columns]
            expected[:, :, query, key] = block.sum(axis=3).mean(axis=2)
        assert np.abs(steps / 63 - expected).max() <= 0.5 / 63 + 1e-5
        assert steps.max() > 6


def test_an_example_shows_the_answer(features):
    targets = features.training_targets()
    for window, question in example_windows(features, 9).items():
        assert features.question_index[window] == question
        own = np.flatnonzero(features.question_index == question)
        if targets[own].any():
            assert targets[window].any()


def test_words_are_whole(features):
    window = next(iter(example_windows(features, 1)))
    words, word_of_token = words_of(features, window)
    texts = [text for text, _ in words]
    assert texts[0] == "[CLS]"
    assert texts[1] == "Which"
    assert texts[texts.index("[SEP]") - 1] == "?"
    assert [role for _, role in words].count(Role.SEP) == 2
    assert len(word_of_token) == features.lengths[window]
    passage = features.passages[0].text
    in_passage = [text for text, role in words if role == Role.PASSAGE]
    assert "".join(in_passage) in passage.replace(" ", "")


def test_shards_joined_are_one_sweep(reader, dev, undisturbed, tmp_path):
    for number in (1, 2):
        run_shard(reader, dev, tmp_path / str(number), f"{number}/2", **ASKED)
    merge_runs([tmp_path / "2", tmp_path / "1"], tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])
    with SweepStore(undisturbed[0] / STORE_FILE) as store:
        expected = store.attention_examples(1)
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        assert store.attention_examples(1) == expected


def test_a_stopped_sweep_goes_on(reader, dev, undisturbed, tmp_path):
    class Stop(Exception):
        pass

    def stop(progress):
        if progress.windows_done:
            raise Stop

    with pytest.raises(Stop, match="^$"):
        run_sweep(reader, dev, tmp_path, on_progress=stop, **ASKED)
    run_sweep(reader, dev, tmp_path, **ASKED)
    assert results(tmp_path) == results(undisturbed[0])


def test_attention_can_be_added_to_a_finished_sweep(
    reader, dev, undisturbed, tmp_path, monkeypatch
):
    asked = {"configurations": CHOSEN, **SETTINGS}
    before = run_sweep(reader, dev, tmp_path, **asked)
    assert before.attention is None
    calls = count_calls(monkeypatch)
    after = run_sweep(reader, dev, tmp_path, **ASKED)
    assert {tuple(names) for names, _, _ in calls} == {("baseline",)}
    assert after.predictions == before.predictions
    np.testing.assert_allclose(after.attention, undisturbed[1].attention, atol=1e-6)
    calls.clear()
    more = run_sweep(reader, dev, tmp_path, **ASKED | {"attention_questions": 6})
    with SweepStore(tmp_path / STORE_FILE) as store:
        assert len(store.attention_examples(1)) > 4
    assert 0 < len(calls)
    assert (more.attention == after.attention).all()
    monkeypatch.setattr(engine, "logits", None)  # nothing is left to run
    run_sweep(reader, dev, tmp_path, **ASKED)


def test_a_model_that_does_not_say_where_it_attends(reader, dev, monkeypatch):
    monkeypatch.setattr(reader.network, "has_attention", False)
    with pytest.warns(UserWarning, match="no attention mass"):
        result = run_sweep(reader, dev, **ASKED | {"configurations": CHOSEN[:1]})
    assert result.attention is None
    assert "attention_mass" not in result.table.columns

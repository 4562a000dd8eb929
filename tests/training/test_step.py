"""The training step: against PyTorch's, in parts, with dropout, overflowing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_weights
from tests.goldens.training_batches import LENGTH, STEPS, training_batch
from tests.goldens.weight_rule import ruled_weights
from tests.models.hugging_face_cases import write_directory

pytestmark = only_tensorflow

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "goldens" / "training_losses.json").read_text()
)


def make_step(reader, num_parts=1, seed=0, replicas=None, part_shape=None, **settings):
    from zonekeras.models.weights import reader_variables
    from zonekeras.training.losses import span_loss
    from zonekeras.training.optimizer import AdamW
    from zonekeras.training.step import TrainingStep
    from zonekeras.training.training_settings import TrainingSettings

    optimizer = AdamW(reader_variables(reader), TrainingSettings.of(settings))
    step = TrainingStep(
        reader,
        optimizer,
        loss=span_loss,
        target_shape=(2,),
        padding_id=0,
        seed=seed,
        num_parts=num_parts,
        replicas=replicas,
        part_shape=part_shape,
    )
    return step, optimizer


def golden_part(step):
    inputs, lengths, targets = training_batch(step)
    places = np.arange(LENGTH)
    roles = np.where(places < lengths[:, None], 1 + places % 4, 0).astype(np.int32)
    return inputs | {"roles": roles, "targets": targets}


def golden_reader(tmp_path):
    from zonekeras.models.hugging_face import read_hugging_face
    from zonekeras.models.weights import build_reader

    tensors = ruled_weights(GOLDEN["shapes"])
    write_directory(tmp_path / "model", GOLDEN["config"], tensors)
    return build_reader(*read_hugging_face(tmp_path / "model"))


def tiny_reader(dropout=0.0, dtype="float32", **sizes):
    from zonekeras.models.weights import build_reader

    config, weights = tiny_weights(**sizes)
    config = replace(config, dropout=dropout, attention_dropout=dropout)
    return build_reader(config, weights, dtype=dtype)


def tiny_part(rows=6, length=11, seed=0):
    generator = np.random.default_rng(seed)
    part = {
        "token_ids": generator.integers(5, 40, (rows, length)),
        "segment_ids": generator.integers(0, 2, (rows, length)),
        "roles": generator.integers(1, 5, (rows, length)),
        "targets": generator.integers(0, length, (rows, 2)),
    }
    return {name: value.astype(np.int32) for name, value in part.items()}


def rows_of(part, rows):
    return {name: value[rows] for name, value in part.items()}


@pytest.mark.parametrize("num_parts", [1, 5])
def test_twenty_losses_are_those_of_pytorch(tmp_path, num_parts):
    from zonekeras.training.schedule import learning_rate, num_warmup_steps

    settings = GOLDEN["settings"]
    step, _ = make_step(golden_reader(tmp_path), num_parts, **settings)
    warmup = num_warmup_steps(STEPS, settings["warmup_proportion"])
    outcomes, rates = [], []
    for index in range(STEPS):
        part = golden_part(index)
        rates.append(learning_rate(index, STEPS, warmup, settings["learning_rate"]))
        parts = [rows_of(part, rows) for rows in np.split(np.arange(5), num_parts)]
        outcomes.append(step.run(index, parts, rates[-1]))
    assert np.allclose(rates, GOLDEN["learning_rates"], rtol=1e-6, atol=1e-9)
    losses = [outcome.loss for outcome in outcomes]
    assert np.abs(np.subtract(losses, GOLDEN["losses"])).max() < 1e-4
    norms = [outcome.gradient_norm for outcome in outcomes]
    assert np.allclose(norms, GOLDEN["gradient_norms"], rtol=1e-3)


def test_the_goldens_can_tell():
    """The losses move, most gradients are cut, and the schedule rises and falls."""
    losses, norms = GOLDEN["losses"], GOLDEN["gradient_norms"]
    assert losses[0] - min(losses) > 0.5
    assert sum(norm > GOLDEN["settings"]["max_gradient_norm"] for norm in norms) > 10
    assert np.argmax(GOLDEN["learning_rates"]) == 4


def test_parts_give_what_the_whole_gives():
    part = tiny_part()
    states, losses = [], []
    for rows in ([slice(0, 6)], [slice(0, 2), slice(2, 4), slice(4, 6)]):
        step, optimizer = make_step(tiny_reader(**ONE_LAYER), num_parts=len(rows))
        parts = [rows_of(part, chosen) for chosen in rows]
        losses.append([step.run(index, parts, 1e-3).loss for index in range(3)])
        states.append(optimizer.state())
    assert np.allclose(losses[0], losses[1], rtol=1e-5)
    for name in states[0]:
        if name.startswith("mean/"):  # the gradients' running mean
            assert np.allclose(states[0][name], states[1][name], atol=1e-4), name


def test_the_first_update_is_adams_by_hand():
    """After one step Adam has moved every weight by the rate against its sign."""
    from zonekeras.models.weights import reader_weights

    reader = tiny_reader(**ONE_LAYER)
    before = reader_weights(reader)
    step, optimizer = make_step(reader, weight_decay=0.25, max_gradient_norm=1e9)
    step.run(0, [tiny_part()], 0.125)
    after = reader_weights(reader)
    mean = optimizer.state()
    for name in ("block.0.intermediate.kernel", "block.0.intermediate.bias"):
        gradient = mean[f"mean/{name}"].reshape(before[name].shape) / 0.1
        decay = 0.0 if name.endswith("bias") else 0.25 * 0.125
        moved = 0.125 * gradient / (np.abs(gradient) + 1e-6)
        expected = before[name] * (1 - decay) - moved
        assert np.allclose(after[name], expected, atol=2e-5), name


def test_padding_keeps_its_embedding():
    from zonekeras.models.weights import reader_weights

    reader = tiny_reader(**ONE_LAYER)
    before = reader_weights(reader)["embeddings.token"]
    part = tiny_part()
    part["token_ids"][:, 7:], part["roles"][:, 7:] = 0, 0
    step, _ = make_step(reader, weight_decay=0.0)
    step.run(0, [part], 0.01)
    moved = np.abs(reader_weights(reader)["embeddings.token"] - before).max(axis=1)
    used = np.unique(part["token_ids"][:, :7])
    assert moved[0] == 0 and moved[used].min() > 0


@pytest.mark.slow
def test_dropout_depends_on_seed_step_and_part_alone():
    def loss(seed, number, parts=1):
        step, _ = make_step(tiny_reader(dropout=0.5), num_parts=2, seed=seed)
        return step.run(number, [tiny_part()] * parts, 0.0).loss

    first = loss(0, 7)
    assert loss(0, 7) == first
    others = [loss(1, 7), loss(0, 8), loss(0, 7, parts=2)]
    assert len({first, *others}) == 4
    assert loss(0, 7) != pytest.approx(2 * loss(0, 7, parts=2))


def test_every_dropout_of_the_reader_is_seeded():
    """One in the embeddings; in each block one in attention, one after both parts."""
    from zonekeras.training.step import dropout_states

    assert len(dropout_states(tiny_reader(dropout=0.5))) == 1 + 3 * 2
    assert dropout_states(tiny_reader()) == []


def test_a_gradient_that_is_no_number_changes_nothing():
    reader = tiny_reader(**ONE_LAYER)
    step, optimizer = make_step(reader)
    reader.span_head.bias.assign([np.nan, 0.0])
    before = optimizer.state()
    outcome = step.run(0, [tiny_part()], 0.1)
    assert not outcome.applied and np.isnan(outcome.loss)
    for name, value in optimizer.state().items():
        assert np.array_equal(value, before[name], equal_nan=True), name


def test_float16_halves_its_scale_on_overflow_and_goes_on():
    reader = tiny_reader(dtype="mixed_float16", **ONE_LAYER)
    step, optimizer = make_step(reader, precision="mixed_float16")
    optimizer.loss_scale.assign(2.0**60)
    outcome = step.run(0, [tiny_part()], 0.01)
    assert not outcome.applied and outcome.loss_scale == 2.0**59
    optimizer.loss_scale.assign(2.0**8)
    outcome = step.run(1, [tiny_part()], 0.01)
    assert outcome.applied and outcome.loss_scale == 2.0**8


def test_float16_goes_on_with_the_scale_that_it_had():
    """One step overflows, one does not; then a resumed run does what this one does."""

    def make():
        reader = tiny_reader(dtype="mixed_float16", **ONE_LAYER)
        return make_step(reader, precision="mixed_float16")

    step, optimizer = make()
    optimizer.loss_scale.assign(2.0**60)
    step.run(0, [tiny_part()], 0.01)
    optimizer.loss_scale.assign(2.0**9)
    step.run(1, [tiny_part()], 0.01)
    resumed_step, resumed = make()
    resumed.restore(optimizer.state())
    counters = {n: v for n, v in resumed.state().items() if n.startswith("counter/")}
    assert counters == {
        "counter/num_applied": 1,
        "counter/loss_scale": 2.0**9,
        "counter/good_steps": 1,
    }
    outcomes = [one.run(2, [tiny_part()], 0.01) for one in (step, resumed_step)]
    assert outcomes[0] == outcomes[1]
    for name, value in optimizer.state().items():
        assert np.array_equal(value, resumed.state()[name]), name


@pytest.fixture(scope="module")
def exact():
    """What a step in float32 comes to."""
    return make_step(tiny_reader())[0].run(0, [tiny_part()], 0.0)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_lower_precision_stays_near_float32(exact, dtype):
    part = tiny_part()
    step, _ = make_step(tiny_reader(dtype=dtype), precision=dtype)
    rough = step.run(0, [part], 0.0)
    assert rough.loss == pytest.approx(exact.loss, rel=0.03)
    assert rough.gradient_norm == pytest.approx(exact.gradient_norm, rel=0.1)


def test_one_graph_for_all_shapes():
    step, _ = make_step(tiny_reader(dropout=0.1, **ONE_LAYER))
    for rows, length in ((2, 7), (3, 11), (5, 13)):
        step.run(0, [tiny_part(rows, length)], 0.01)
    assert step.num_traces == 1


def test_the_loss_is_the_mean_of_two_cross_entropies():
    from zonekeras.training.losses import span_loss

    logits = np.zeros((1, 4, 2), np.float32)
    logits[0, 2, 0] = np.log(5.0)  # starts: 1, 1, 5, 1
    loss = span_loss(logits, np.array([[2, 0]], np.int32))
    assert np.allclose(loss, [(np.log(8 / 5) + np.log(4)) / 2])

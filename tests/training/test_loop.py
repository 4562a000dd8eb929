"""The loop alone: what is kept when a run stops at a bad moment."""

import signal

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from tests.limits import file_size_limit
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.training.output import RunDirectory, open_run_dir
from zonekeras.training.settling import settle
from zonekeras.training.training_settings import TrainingSettings

pytestmark = only_tensorflow

SETTINGS = {
    "max_seq_length": 29,
    "doc_stride": 7,
    "train_batch_size": 9,
    "learning_rate": 5e-3,
    "num_train_epochs": 1,
    "eval_steps": 2,
    "predict_batch_size": 3,
}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    contents = tiny_squad(num_passages=4), tiny_squad(num_passages=2, seed=1)
    paths = [
        write_json(directory / f"{number}.json", content)
        for number, content in enumerate(contents)
    ]
    return read_squad(paths[0], training=True), read_squad(paths[1])


@pytest.fixture
def output(tmp_path):
    with open_run_dir(tmp_path / "out", {"run": "a test's"}) as directory:
        yield directory


@pytest.fixture
def make_loop(datasets):
    """Makes a loop; `change` is called with the reader that it starts from."""
    from zonekeras.training.answering import make_windows
    from zonekeras.training.loop import DevSet, TrainingLoop
    from zonekeras.training.training_task import training_of

    def make(
        output, *, on_progress=lambda progress: None, change=lambda reader: None, **more
    ):
        train, dev = datasets
        settings = settle(TrainingSettings.of(SETTINGS | more), train, dev)
        model = tiny_model(**ONE_LAYER)
        change(model.network.reader)
        return TrainingLoop(
            training_of(model.task),
            model,
            model.network.reader,
            make_windows(model, train, settings),
            settings,
            dev=DevSet(dev, make_windows(model, dev, settings)),
            output=output,
            on_progress=on_progress,
        )

    return make


def steps_on_disk(output, tag):
    """Returns the steps of one of TensorBoard's curves, repeated ones once."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    steps = set()
    for path in (output.path / "tensorboard").iterdir():
        events = EventAccumulator(str(path), size_guidance={"tensors": 0}).Reload()
        if tag in events.Tags()["tensors"]:
            steps |= {event.step for event in events.Tensors(tag)}
    return steps


class Killed(Exception):
    """Stands for the end of a process."""


def test_weights_before_a_loss_that_is_no_number_are_kept(make_loop, output):
    """By default the first checkpoint comes after five minutes, or a score."""
    loop = make_loop(output, learning_rate=1e30, eval_steps=0, num_train_epochs=3)
    with pytest.raises(InputError) as caught:
        loop.run()
    done = len(loop.history)
    assert done > 0
    assert (
        f" at step {done + 1} of {loop.num_steps}; the weights after step {done} are "
        f"kept in {output.path / 'checkpoints'}. Lower the learning rate (1e+30) or "
    ) in str(caught.value)
    last = output.read_last()
    assert len(last["history"]) == done
    assert last["counter/num_applied"] == done
    assert all(np.isfinite(last[name]).all() for name in last if name != "history")
    lines = (output.path / "history.csv").read_text().splitlines()
    assert len(lines) == 1 + done


def test_a_first_loss_that_is_no_number_leaves_nothing_to_keep(make_loop, output):
    def spoil(reader):
        reader.span_head.bias.assign([np.nan, 0.0])

    loop = make_loop(output, change=spoil)
    message = "Received: loss nan, .* at step 1 of .*; no checkpoint was written. Lower"
    with pytest.raises(InputError, match=message):
        loop.run()
    assert output.read_last() is None
    assert not (output.path / "history.csv").exists()


def test_best_weights_survive_a_kill_between_the_two_checkpoints(
    make_loop, output, monkeypatch
):
    def kill(self, arrays):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "write_best", kill)
        with pytest.raises(Killed):
            make_loop(output).run()
    make_loop(output).restore()
    last, best = output.read_last(), output.read_best()
    assert len(last["history"]) == 2
    assert best and best.keys() == {n for n in last if n.startswith("weight/")}
    assert all(np.array_equal(best[name], last[name]) for name in best)


def test_best_weights_that_are_gone_are_missed_before_training(make_loop, output):
    make_loop(output).run()
    state = output.read_last()
    state["history"][1, -1] = 101.0  # the first score was the best
    output.write_last(state)
    make_loop(output, keep="best").restore()
    best = output.path / "checkpoints" / "best.safetensors"
    best.unlink()
    make_loop(output, keep="last").restore()
    message = f"^Expected {best}, which has the weights asked for. Received: no such"
    with pytest.raises(InputError, match=message):
        make_loop(output, keep="best").restore()


def test_curves_have_every_step_of_a_checkpoint_before_it_is_written(
    make_loop, output, monkeypatch
):
    """So a kill after it loses none; nor does Ctrl-C while a step is scored."""
    written = []
    write_last = RunDirectory.write_last

    def note(self, arrays):
        scored = arrays["history"][~np.isnan(arrays["history"][:, -1]), 0]
        written.append(
            (
                set(range(1, len(arrays["history"]) + 1)),
                steps_on_disk(self, "train/loss"),
                set(scored),
                steps_on_disk(self, "dev/f1"),
            )
        )
        write_last(self, arrays)

    def press(progress):
        if progress.stage == "scoring" and progress.step == 4 and not pressed:
            pressed.append(progress)
            signal.raise_signal(signal.SIGINT)

    pressed = []
    monkeypatch.setattr(RunDirectory, "write_last", note)
    first = make_loop(output, on_progress=press)
    with pytest.raises(KeyboardInterrupt):
        first.run()
    assert len(first.history) == 4 and not first.history.last.is_scored
    # The step that is scored again is written then.
    assert written.pop() == ({1, 2, 3, 4}, {1, 2, 3}, {2}, {2})
    second = make_loop(output)
    second.restore()
    second.run()
    assert len(written) > 2
    assert all(losses == steps for steps, losses, _, _ in written)
    assert all(scores == scored for _, _, scored, scores in written)
    assert written[-1][0] == set(range(1, second.num_steps + 1))


def test_a_full_disk_is_an_os_error_and_the_checkpoint_stays(make_loop, output):
    make_loop(output, num_train_epochs=0.2).run()
    before = output.read_last()
    loop = make_loop(output)
    with file_size_limit(2000), pytest.raises(OSError, match="^cannot write "):
        loop.run()
    after = output.read_last()
    assert all(np.array_equal(after[n], before[n], equal_nan=True) for n in before)


def test_the_best_weights_are_in_memory_only_where_they_are_asked_for(make_loop):
    runs = {keep: make_loop(None, keep=keep) for keep in ("last", "best")}
    for loop in runs.values():
        loop.run()
    assert runs["last"].best_weights() == {}
    assert any(name.startswith("weight/") for name in runs["best"].best_weights())

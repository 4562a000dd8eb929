import numpy as np
import pytest

from zonekeras.errors import InputError
from zonekeras.training.history import History, HistoryRow


def history():
    rows = History()
    rows.append(HistoryRow(1, 0.5, 4.0, 0.0, 2.5))
    rows.append(HistoryRow(2, 1.0, 2.0, 0.25, 1.5, {"exact_match": 10.0, "f1": 30.0}))
    rows.append(HistoryRow(3, 1.5, 1.0, 0.125, 0.5, {"exact_match": 11.0, "f1": 30.0}))
    return rows


def test_the_file(tmp_path):
    history().write(tmp_path)
    assert (tmp_path / "history.csv").read_text() == (
        "step,epoch,loss,learning_rate,gradient_norm,exact_match,f1\n"
        "1,0.5,4,0,2.5,,\n"
        "2,1,2,0.25,1.5,10,30\n"
        "3,1.5,1,0.125,0.5,11,30\n"
    )


def test_an_array_holds_everything():
    again = History(history().array())
    assert np.array_equal(again.array(), history().array(), equal_nan=True)
    assert len(again) == 3 and again.last == history().last


def test_the_table_is_read_again(tmp_path):
    history().write(tmp_path)
    again = History.read(tmp_path)
    assert list(again)[1:] == list(history())[1:]
    assert np.array_equal(again.array(), history().array(), equal_nan=True)
    assert all(type(row.step) is int for row in again)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,loss\n1,2\n", "expected the columns step, epoch, loss, .* Received: "),
        ("step,epoch\n1,x\n", "expected a table that zonekeras wrote. It cannot be"),
        ("", "expected a table that zonekeras wrote. It cannot be read: No columns"),
    ],
)
def test_another_table_is_refused(tmp_path, text, message):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(InputError, match=f"history.csv: {message}"):
        History.read(tmp_path)


def test_the_best_is_the_first_of_equals():
    assert history().best().step == 2
    assert History().best() is None


def test_the_mean_loss_of_the_last_steps():
    assert history().mean_loss(2) == 1.5
    assert history().mean_loss(50) == 7 / 3


def test_a_step_without_score():
    assert next(iter(history())).scores == {}
    assert [row.is_scored for row in history()] == [False, True, True]

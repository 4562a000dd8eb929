import numpy as np
import pandas as pd
import pytest

from zonekeras.errors import InputError
from zonekeras.plotting import save_figure, training_curves

HISTORY = pd.DataFrame(
    {
        "step": [1, 2, 3, 4],
        "epoch": [0.5, 1.0, 1.5, 2.0],
        "loss": [4.0, 3.0, 2.0, 1.0],
        "learning_rate": [0.0, 2e-5, 1e-5, 0.0],
        "gradient_norm": [1.0] * 4,
        "exact_match": [np.nan, 10.0, np.nan, 20.0],
        "f1": [np.nan, 30.0, np.nan, 40.0],
    }
)


def test_the_panels_show_the_columns(tmp_path):
    figure = training_curves(HISTORY, title="A $run")
    loss, scores, rates = figure.axes
    assert loss.lines[0].get_ydata().tolist() == [4, 3, 2, 1]
    assert rates.lines[0].get_ydata().tolist() == [0, 2e-5, 1e-5, 0]
    assert [line.get_label() for line in scores.lines] == ["EM", "F1"]
    assert scores.lines[1].get_xdata().tolist() == [2, 4]
    assert scores.lines[1].get_ydata().tolist() == [30, 40]
    save_figure(figure, tmp_path / "training.png")


def test_long_runs_are_smoothed():
    steps = np.arange(1, 201)
    losses = np.where(steps % 2, 3.0, 1.0)
    history = HISTORY.iloc[:1].reindex(steps * 0).assign(step=steps, loss=losses)
    mean = training_curves(history).axes[0].lines[1].get_ydata()
    assert np.allclose(mean[10:-10], 2.0)  # of four steps


def test_without_scores_there_is_one_panel():
    figure = training_curves(HISTORY.assign(f1=np.nan))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "Training loss",
        "Learning rate (dashed)",
    ]


@pytest.mark.parametrize("history", [HISTORY.iloc[:0], HISTORY.drop(columns="loss")])
def test_what_is_no_history_is_refused(history):
    with pytest.raises(InputError, match="Expected a row for each step with step, "):
        training_curves(history)

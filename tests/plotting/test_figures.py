import math

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.scores import ACCURACY, means
from zonekeras import plotting
from zonekeras.errors import InputError
from zonekeras.store.tidy import MeanScores, sweep_table

ZONES = ["all", "q2", "q2p", "p2q", "p2"]


def matrix(num_layers=3):
    """Scores 10, 11, 12, … row by row, from layer 0 on."""
    values = 10.0 + np.arange(num_layers * len(ZONES)).reshape(num_layers, len(ZONES))
    index = pd.Index(range(num_layers), name="layer")
    return pd.DataFrame(values, index=index, columns=ZONES)


def mesh_of(axes):
    [mesh] = axes.collections
    return mesh


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def color_at(axes, row, column):
    mesh = mesh_of(axes)
    mesh.update_scalarmappable()
    return mesh.get_facecolor().reshape(*mesh.get_array().shape, 4)[row, column]


def test_cells_hold_effects_and_layer_1_is_at_the_bottom():
    axes, color_bar = plotting.heatmap(matrix(), baseline=12.0).axes
    np.testing.assert_array_equal(mesh_of(axes).get_array(), matrix().to_numpy() - 12.0)
    assert axes.get_ylim() == (0, 3)  # row 0, layer 1, is drawn from 0 to 1
    assert list(axes.get_yticks()) == [0.5, 1.5, 2.5]
    assert tick_labels(axes.yaxis) == ["1", "2", "3"]
    assert tick_labels(axes.xaxis) == ["all", "q2", "q2p", "p2q", "p2"]
    assert axes.get_ylabel() == "Layer, from 1"
    assert axes.get_xlabel() == "Masked zone"
    assert color_bar.get_ylabel() == "EM − baseline (points)"


def test_colors_are_orange_to_purple_with_0_neutral_and_no_end_near_black():
    axes = plotting.heatmap(matrix(), baseline=12.0).axes[0]
    assert mesh_of(axes).get_clim() == (-12.0, 12.0)  # the largest effect is 24 - 12
    np.testing.assert_allclose(color_at(axes, 0, 2), to_rgba("#f7f7f7"), atol=0.02)
    np.testing.assert_allclose(color_at(axes, 2, 4), to_rgba("#542788"), atol=0.01)
    red, green, blue, _ = color_at(axes, 0, 0)
    assert red > green > blue > 0.7  # a small loss is a pale orange


def test_the_published_look_is_seismic_with_0_white_and_symmetric():
    axes = plotting.heatmap(matrix(), baseline=12.0, style="protocol").axes[0]
    assert tick_labels(axes.xaxis) == ["ALL", "Q2", "Q2P", "P2Q", "P2"]
    assert axes.get_ylabel() == "Layer"
    assert mesh_of(axes).get_clim() == (-12.0, 12.0)  # the largest effect is 24 - 12
    np.testing.assert_allclose(color_at(axes, 0, 2), to_rgba("white"), atol=0.02)
    red, green, blue, _ = color_at(axes, 2, 4)
    assert red > 0.49 and green == blue == 0  # seismic's dark red
    red, green, blue, _ = color_at(axes, 0, 0)
    assert red == green and blue == 1.0  # a loss is blue


def test_an_asymmetric_range_keeps_0_white():
    axes = plotting.heatmap(matrix(), baseline=12.0, value_range=(-2, 20)).axes[0]
    assert mesh_of(axes).get_clim() == (-2, 20)
    np.testing.assert_allclose(color_at(axes, 0, 2), to_rgba("#f7f7f7"), atol=0.03)


@pytest.mark.parametrize(
    ("value_range", "ends"),
    [
        (None, "neither"),
        ((-2, 12), "neither"),
        ((-1, 12), "min"),
        ((-2, 11), "max"),
        ((-1, 11), "both"),
    ],
)
def test_arrows_where_a_range_cuts(value_range, ends):
    figure = plotting.heatmap(matrix(), baseline=12.0, value_range=value_range)
    assert mesh_of(figure.axes[0]).colorbar.extend == ends


def test_a_sweep_without_effects_has_a_range():
    axes = plotting.heatmap(matrix() * 0, baseline=0.0).axes[0]
    assert mesh_of(axes).get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize("value_range", [(5.0, 5.0), (1.0, 5.0), (5.0, -5.0)])
def test_a_range_that_does_not_hold_0_is_refused(value_range):
    with pytest.raises(InputError, match="^Expected a range of effects around 0, the"):
        plotting.heatmap(matrix(), baseline=0.0, value_range=value_range)


@pytest.mark.parametrize(
    ("num_layers", "look", "is_written"),
    [
        (12, {}, True),
        (13, {}, False),
        (13, {"annotate": True}, True),
        (1, {"annotate": False}, False),
        (1, {"style": "protocol"}, False),
        (1, {"style": "paper"}, True),
    ],
)
def test_values_are_written_into_small_grids(num_layers, look, is_written):
    axes = plotting.heatmap(matrix(num_layers), baseline=12.0, **look).axes[0]
    assert len(axes.texts) == (5 * num_layers if is_written else 0)


def test_six_columns_have_no_values_unless_asked_for():
    cells = {(0, zone): 11.0 for zone in [*ZONES, "cls2q"]}
    assert len(plotting.heatmap(cells, baseline=12.0).axes[0].texts) == 0


def test_values_that_are_written_are_readable():
    axes = plotting.heatmap(matrix(1), baseline=11.96, annotate=True).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["−2.0", "−1.0", "0.0", "1.0", "2.0"]
    colors = [text.get_color() for text in axes.texts]
    assert colors == ["white", "black", "black", "black", "white"]
    pale = plotting.heatmap(
        matrix(1), baseline=11.96, annotate=True, value_range=(-9, 9)
    )
    assert {text.get_color() for text in pale.axes[0].texts} == {"black"}
    assert [text.get_position() for text in axes.texts][1] == (1.5, 0.5)


def test_zero_has_no_sign():
    axes = plotting.heatmap(matrix(1), baseline=10.01, annotate=True).axes[0]
    assert axes.texts[0].get_text() == "0.0"


def test_a_cell_that_was_not_run_is_grey_and_empty():
    scores = matrix(2)
    scores.loc[1, "q2"] = math.nan
    axes = plotting.heatmap(scores, baseline=12.0, annotate=True).axes[0]
    assert axes.get_xlabel() == "Masked zone\ngrey: not run"
    assert mesh_of(axes).get_array().mask[1].tolist() == [False, True] + 3 * [False]
    assert len(axes.texts) == 9
    assert axes.get_facecolor() == to_rgba("0.8")


def test_a_layer_and_a_zone_that_were_not_run_are_drawn():
    cells = {(0, "q2"): 11.0, (2, "p2"): 13.0}
    axes = plotting.heatmap(cells, baseline=12.0).axes[0]
    assert tick_labels(axes.yaxis) == ["1", "2", "3"]
    assert tick_labels(axes.xaxis) == ["all", "q2", "q2p", "p2q", "p2"]
    drawn = mesh_of(axes).get_array()
    assert drawn.shape == (3, 5)
    assert [drawn[0, 1], drawn[2, 4]] == [-1.0, 1.0]
    assert drawn.mask.sum() == 13


def test_a_long_form_table_needs_no_baseline_and_names_its_semantics():
    scores = {"baseline": means(80.0, 90.0, 7), "layer1:p2": means(70.0, 89.0, 7)}
    table = sweep_table(scores, model="m", dataset="d", semantics="published")
    axes, color_bar = plotting.heatmap(table, score="f1").axes
    assert mesh_of(axes).get_array()[1].tolist() == [None, None, None, None, -1.0]
    assert tick_labels(axes.yaxis) == ["1", "2"]
    assert axes.get_xlabel() == "Masked zone (published)\ngrey: not run"
    assert color_bar.get_ylabel() == "F1 − baseline (points)"


def made_up_table():
    """One cell, in scores of no task; `graded` is the headline."""
    scores = {
        "baseline": MeanScores({"graded": 70.0, "accuracy": 50.0}, 7),
        "layer0:p2": MeanScores({"graded": 68.0, "accuracy": 55.0}, 7),
    }
    return sweep_table(scores, model="m", dataset="d")


def test_the_headline_is_drawn_unless_another_score_is_named():
    table = made_up_table()
    drawn = {
        score: plotting.heatmap(table, score=score).axes
        for score in (None, "accuracy", ACCURACY)
    }
    effects = [mesh_of(axes[0]).get_array()[0, 4] for axes in drawn.values()]
    assert effects == [-2.0, 5.0, 5.0]
    assert [color_bar.get_ylabel() for _, color_bar in drawn.values()] == [
        "graded − baseline\n(points)",  # a name that nobody knows is its own label
        "accuracy − baseline\n(points)",
        "Acc. − baseline (points)",
    ]


def test_a_score_that_the_table_lacks_is_refused():
    for draw in (plotting.heatmap, plotting.score_matrix, plotting.effect_matrix):
        with pytest.raises(
            InputError,
            match="^Expected a score that the table has: graded, accuracy. "
            "Received: score='f1'.$",
        ):
            draw(made_up_table(), score="f1")


@pytest.mark.parametrize(
    ("num_layers", "labels"),
    [(1, ["1"]), (12, [str(n) for n in range(1, 13)]), (37, list("13579"))],
)
def test_any_number_of_layers_is_labelled(num_layers, labels):
    axes = plotting.heatmap(matrix(num_layers), baseline=0.0).axes[0]
    assert tick_labels(axes.yaxis)[: len(labels)] == labels
    assert len(tick_labels(axes.yaxis)) <= 30


def test_size_and_title_are_taken():
    figure = plotting.heatmap(
        matrix(), baseline=0.0, figure_size=(7.0, 3.0), title="SQuAD"
    )
    assert tuple(figure.get_size_inches()) == (7.0, 3.0)
    assert figure.axes[0].get_title() == "SQuAD"


def test_a_look_that_is_misspelt_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'anotate'"):
        plotting.heatmap(matrix(), baseline=0.0, anotate=True)


@pytest.mark.parametrize("figure_size", [(50.5, 5.0), (5.0, 1000.0), (0.5, 5.0)])
def test_a_size_beyond_reason_is_refused(figure_size):
    message = (
        "^Expected a figure of 1 to 50 inches each way. "
        f"Received: {figure_size[0]:g} x {figure_size[1]:g}.$"
    )
    size = {"figure_size": figure_size}
    with pytest.raises(InputError, match=message):
        plotting.heatmap(matrix(), baseline=0.0, **size)
    with pytest.raises(InputError, match=message):
        plotting.runs_heatmap([matrix(), matrix()], baselines=0.0, **size)
    with pytest.raises(InputError, match=message):
        plotting.comparison_heatmap(matrix(), matrix(), **size)


@pytest.mark.parametrize("title", [r"a $\foo$ b", "$", r"\$5", "$x^2$"])
def test_a_title_is_drawn_as_it_is(tmp_path, title):
    one = plotting.heatmap(matrix(), baseline=0.0, title=title)
    several = plotting.runs_heatmap([matrix(), matrix()], baselines=0.0, title=title)
    assert one.axes[0].get_title() == several.get_suptitle() == title
    for text in (one.axes[0].title, several._suptitle):
        assert not text.get_parse_math()
    plotting.save_figure(one, tmp_path / "one.svg")
    plotting.save_figure(several, tmp_path / "several.svg")


def test_given_axes_are_drawn_into():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plotting.heatmap(matrix(), baseline=0.0, axes=right) is figure
    assert len(left.collections) == 0
    assert len(right.collections) == 1


def test_nothing_is_left_in_pyplot():
    plotting.heatmap(matrix(), baseline=0.0, annotate=True)
    plotting.runs_heatmap([matrix(), matrix() + 1], baselines=0.0)
    plotting.comparison_heatmap(matrix(), matrix() + 1)
    assert matplotlib.pyplot.get_fignums() == []


def test_several_runs_give_a_mean_and_a_deviation():
    figure = plotting.runs_heatmap(
        [matrix(), matrix() + 2.0], baselines=[10.0, 8.0], annotate=True, title="Runs"
    )
    mean, deviation = [axes for axes in figure.axes if axes.collections][:2]
    # effects of the two runs differ by 4: their mean lies 2 above the first's,
    # and the sample deviation of (0, 4) is the square root of 8
    np.testing.assert_allclose(
        mesh_of(mean).get_array(), matrix().to_numpy() - 10.0 + 2.0
    )
    np.testing.assert_allclose(mesh_of(deviation).get_array(), math.sqrt(8.0))
    assert mesh_of(deviation).get_clim() == (0.0, pytest.approx(math.sqrt(8.0)))
    assert mean.get_title() == "Mean of 2 runs"
    assert deviation.get_title() == "Standard deviation"
    assert deviation.texts[0].get_text() == "2.83"
    assert figure.get_suptitle() == "Runs"


def test_runs_that_agree_have_a_range_of_deviations():
    figure = plotting.runs_heatmap([matrix(), matrix()], baselines=0.0)
    deviation = [axes for axes in figure.axes if axes.collections][1]
    assert mesh_of(deviation).get_clim() == (0.0, 1.0)


def test_runs_that_do_not_belong_together_are_refused():
    with pytest.raises(InputError, match="one for each of 2 runs. Received: 3.$"):
        plotting.runs_heatmap([matrix(), matrix()], baselines=[1.0, 2.0, 3.0])
    scores = {"baseline": means(80.0, 90.0, 7), "layer1:p2": means(70.0, 89.0, 7)}
    tables = [
        sweep_table(scores, model="m", dataset="d", semantics=semantics)
        for semantics in ("strict", "published")
    ]
    with pytest.raises(InputError, match="^Expected runs of the same semantics."):
        plotting.runs_heatmap(tables)


def test_a_comparison_shows_the_difference_and_its_deviation():
    second = matrix(2)
    second.loc[0, "q2"] += 3.0
    second.loc[1, "p2"] -= 1.0
    figure = plotting.comparison_heatmap(
        matrix(2), second, score="f1", names=("cased", "uncased")
    )
    axes, color_bar = figure.axes
    assert axes.get_title() == "cased − uncased"
    assert mesh_of(axes).get_array().tolist() == [[0, -3, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert tick_labels(axes.xaxis) == [
        "all\n(0.000)",
        "q2\n(2.121)",  # of (-3, 0): 3 over the square root of 2
        "q2p\n(0.000)",
        "p2q\n(0.000)",
        "p2\n(0.707)",
    ]
    assert color_bar.get_ylabel() == "Difference in F1 (points)"


def test_a_zone_that_cannot_be_compared_has_a_dash():
    second = matrix(2)
    second["q2"] = math.nan
    first = matrix(2)
    first.loc[0, "q2"] = math.nan
    second.loc[1, "q2"] = 3.0
    axes = plotting.comparison_heatmap(first, second).axes[0]
    assert tick_labels(axes.xaxis)[:2] == ["all\n(0.000)", "q2\n(–)"]


@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
def test_the_same_figure_gives_the_same_file(tmp_path, kind):
    for name in ("a", "b"):
        figure = plotting.heatmap(matrix(), baseline=12.0, annotate=True, title="ä")
        plotting.save_figure(figure, tmp_path / f"{name}.{kind}")
    first = (tmp_path / f"a.{kind}").read_bytes()
    assert first == (tmp_path / f"b.{kind}").read_bytes()
    start = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n", "svg": b"<?xml "}[kind]
    assert first.startswith(start)
    for date in (b"CreationDate", b"<dc:date>"):
        assert date not in first


def test_a_pdf_embeds_truetype_fonts(tmp_path):
    figure = plotting.heatmap(matrix(), baseline=12.0)
    plotting.save_figure(figure, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_the_resolution_of_a_png_can_be_set(tmp_path):
    figure = plotting.heatmap(matrix(), baseline=12.0, figure_size=(5.0, 3.0))
    plotting.save_figure(figure, tmp_path / "a.png", dots_per_inch=70)
    content = (tmp_path / "a.png").read_bytes()
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    assert (width, height) == (350, 210)


@pytest.mark.parametrize("name", ["a.gif", "a", "pdf"])
def test_an_unknown_extension_is_refused(tmp_path, name):
    figure = plotting.heatmap(matrix(), baseline=12.0)
    with pytest.raises(
        InputError,
        match=rf"^Expected a figure file that ends in .pdf, .png or .svg. "
        rf"Received: .*/{name}.$",
    ):
        plotting.save_figure(figure, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_cells_that_survive_have_a_dot():
    rows = {
        name: means(80.0 - index, 90.0, 50)
        for index, name in enumerate(["baseline", "layer0:q2", "layer1:p2"])
    }
    table = sweep_table(rows, model="m", dataset="d")
    without = plotting.heatmap(table).axes[0]
    assert without.lines[:] == []
    assert without.get_xlabel() == "Masked zone (strict)\ngrey: not run"
    table["exact_match_q"] = [float("nan"), 0.04, 0.05]
    axes = plotting.heatmap(table).axes[0]
    [dot] = axes.lines
    column = tick_labels(axes.xaxis).index("q2")
    assert column < dot.get_xdata()[0] < column + 1
    assert 0 < dot.get_ydata()[0] < 1  # layer 1 stands at the bottom
    assert axes.get_xlabel() == (
        "Masked zone (strict)\n• false discovery rate below 5%; pale: above it\n"
        "grey: not run"
    )
    # What does not survive, p2 in layer 2, is pale; its number is not bold.
    [veil] = axes.patches
    assert veil.get_xy() == (4, 1)
    weights = {text.get_text(): text.get_fontweight() for text in axes.texts}
    assert weights == {"−1.0": "bold", "−2.0": "normal"}
    published = plotting.heatmap(table, style="protocol").axes[0]
    assert (len(published.lines), len(published.patches)) == (1, 0)
    assert plotting.heatmap(table, score="f1").axes[0].lines[:] == []


def test_a_legend_stands_only_where_it_is_used():
    rows = {name: means(80.0, 90.0, 50) for name in ("baseline", "layer0:q2")}
    table = sweep_table(rows, model="m", dataset="d")
    table["exact_match_q"] = [float("nan"), 0.5]
    axes = plotting.heatmap(table).axes[0]
    assert axes.get_xlabel() == (
        "Masked zone (strict)\nnothing survives a false discovery rate of 5%\n"
        "grey: not run"
    )
    table["exact_match_q"] = float("nan")  # one passage: there is no test
    axes = plotting.heatmap(table).axes[0]
    assert axes.get_xlabel() == "Masked zone (strict)\ngrey: not run"
    assert axes.patches[:] == []


def test_paper_is_a_column_wide_in_8_points():
    figure = plotting.heatmap(matrix(12), baseline=12.0, style="paper", title="T")
    assert figure.get_size_inches()[0] == 3.35
    sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
    assert sizes == {8.0}


def test_an_unknown_style_is_refused():
    with pytest.raises(ValueError, match="'fancy' is not a valid Style"):
        plotting.heatmap(matrix(), baseline=0.0, style="fancy")

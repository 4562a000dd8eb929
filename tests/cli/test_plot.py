import pytest

from cli import plot
from cli.plot import main
from tests.scores import means
from zonekeras import plotting
from zonekeras.plotting.figure_files import figure_bytes
from zonekeras.store.protocol_csv import write_results_csv
from zonekeras.store.tidy import read_table, sweep_table, write_table

ZONES = ("all", "q2", "q2p", "p2q", "p2")


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def results():
    write_results_csv(
        "results.csv",
        {(layer, zone): 70.0 + layer for layer in range(3) for zone in ZONES},
    )


def write_sweep(path, semantics="strict"):
    scores = {"baseline": means(80.0, 90.0, 7)}
    scores |= {f"layer0:{zone}": means(70.0, 75.0, 7) for zone in ZONES}
    table = sweep_table(scores, model="m", dataset="d", semantics=semantics)
    path.parent.mkdir(exist_ok=True)
    write_table(table, path)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("kind", ["pdf", "png", "svg", "PDF"])
def test_the_protocols_figure(results, directory, capsys, kind):
    assert main(["results.csv", "80.567", f"squad.{kind}"]) == 0
    assert capsys.readouterr() == (f"wrote squad.{kind}\n", "")
    assert (directory / f"squad.{kind}").stat().st_size > 1000


def test_flags_may_stand_anywhere(results, directory):
    arguments = "results.csv --annotate 80 -score f1 a.svg --range -15 5 --title T"
    assert main([*arguments.split(), "--figure-size", "7", "5"]) == 0
    assert b"504pt" in (directory / "a.svg").read_bytes()  # 7 inches


def test_the_score_may_be_written_in_any_case(directory):
    write_sweep(directory / "out" / "results.parquet")
    for number, score in enumerate(["f1", "F1", "em", "EM", "exact_match"]):
        assert main(["out", f"{number}.svg", f"--score={score}"]) == 0
    drawn = [(directory / f"{number}.svg").read_bytes() for number in range(5)]
    assert drawn[0] == drawn[1] != drawn[2] == drawn[3] == drawn[4]


def test_a_table_and_a_directory_need_no_baseline(directory, capsys):
    write_sweep(directory / "out" / "results.parquet")
    assert main(["out/results.parquet", "a.svg"]) == 0
    assert main(["out", "b.svg"]) == 0
    assert (directory / "a.svg").read_bytes() == (directory / "b.svg").read_bytes()


def test_a_set_in_place_of_the_cells(results, directory, capsys):
    scores = {"baseline": means(80.0, 90.0, 7)}
    scores |= {f"layer0:only-{zone}": means(70.0, 75.0, 7) for zone in ZONES[1:]}
    write_table(sweep_table(scores, model="m", dataset="d"), directory / "a.parquet")
    assert main(["a.parquet", "only.svg", "--draw", "only"]) == 0
    assert (directory / "only.svg").stat().st_size > 1000
    capsys.readouterr()
    for arguments, message in (
        (["a.parquet", "x.svg", "--draw=pairs"], "that holds the set pairs in every l"),
        (["a.parquet", "x.svg", "--draw=controls"], "a sweep's result with controls."),
        (["a.parquet", "x.svg", "--draw=mass_effect"], "with attention masses."),
        (
            ["results.csv", "80", "x.svg", "--draw=only"],
            "one results.parquet, or one",
        ),
        (["a.parquet", "x.svg", "--draw=only", "--compare=a.parquet"], "--draw or --c"),
        (
            ["a.parquet", "x.svg", "--draw=mass_effect", "--annotate"],
            "Expected --annotate and --range with heatmaps. Received: them with",
        ),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
    assert "x.svg" not in names(directory)


def test_what_a_sweep_draws_is_drawn_again(directory):
    """Controls, masses and means of runs: the library's figures of the same table."""
    write_sweep(directory / "sweep.parquet")
    table = read_table("sweep.parquet").assign(
        exact_match_beyond=[float("nan"), 1.0, -2.0, 3.0, -4.0, 5.0],
        exact_match_beyond_q=0.01,
        attention_mass=[float("nan"), 0.9, 0.1, 0.2, 0.3, 0.4],
    )
    write_table(table, "whole.parquet")
    joined = table.assign(num_runs=3, exact_match_deviation=1.5, exact_match_q=0.01)
    write_table(joined, "joined.parquet")
    for arguments, expected in (
        (["whole.parquet", "--draw=controls"], plotting.controls_heatmap(table)),
        (["whole.parquet", "--draw=mass_effect"], plotting.mass_effect_plot(table)),
        (["joined.parquet"], plotting.mean_heatmap(joined)),
    ):
        assert main([*arguments, "drawn.svg"]) == 0
        drawn = (directory / "drawn.svg").read_bytes()
        assert drawn == figure_bytes(expected, "svg"), arguments


def test_a_directory_with_only_a_csv_file_needs_one(results, directory, capsys):
    (directory / "out").mkdir()
    (directory / "results.csv").rename(directory / "out" / "results.csv")
    assert main(["out", "80", "a.svg"]) == 0
    assert main(["out", "b.svg"]) == 2
    assert "Expected the baseline's score after out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    ["results.csv 80 out", "results.csv results.csv 80", "results.csv 80 out 81"],
)
def test_several_results_give_mean_and_deviation(results, directory, arguments):
    write_sweep(directory / "out" / "results.parquet")
    write_results_csv("results.csv", {(0, zone): 70.0 for zone in ZONES})
    assert main([*arguments.split(), "mean.svg"]) == 0
    assert main(["results.csv", "80", "one.svg"]) == 0
    sizes = [(directory / name).stat().st_size for name in ("mean.svg", "one.svg")]
    assert sizes[0] > 1.5 * sizes[1]  # two panels


def test_a_comparison_prints_the_deviation_of_the_difference(results, capsys):
    write_results_csv("other.csv", {(n, z): 70.0 for n in range(3) for z in ZONES})
    assert main(["results.csv", "a.pdf", "--compare", "other.csv"]) == 0
    # the differences are 0, 1 and 2 in each zone
    assert capsys.readouterr().out == (
        "standard deviation of difference: "
        "all 1.000, q2 1.000, q2p 1.000, p2q 1.000, p2 1.000\nwrote a.pdf\n"
    )


def test_zones_that_were_not_run_have_no_deviation(directory, capsys):
    write_results_csv(
        "results.csv", {(n, z): n for n in range(2) for z in ("q2", "p2")}
    )
    write_results_csv("other.csv", {(n, z): 3 for n in range(2) for z in ("q2", "p2")})
    assert main(["results.csv", "a.svg", "--compare", "other.csv"]) == 0
    assert capsys.readouterr().out == (
        "standard deviation of difference: q2 0.707, p2 0.707\nwrote a.svg\n"
    )


def test_a_title_with_dollar_signs(results):
    assert main(["results.csv", "80", "a.pdf", "--title", r"a $\foo$ b"]) == 0


def test_the_published_tables(shared_dir, capsys):
    published = shared_dir / "published"
    single, mean = (
        str(published / f"star_protocol_{name}.csv")
        for name in ("table1_single_run", "table2_five_run_mean")
    )
    assert main([single, "a.pdf", "--compare", mean]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "standard deviation of difference: "
        "all 0.819, q2 0.152, q2p 0.132, p2q 1.405, p2 0.815"
    )


SEE = "see 'zonekeras plot --help'."
BAD_INPUT = [
    ("", f"expected RESULTS [BASELINE] FIGURE. Received: none; {SEE}"),
    (
        "a.pdf",
        "Expected results before the figure file. Received: a.pdf alone; write "
        "'zonekeras plot RESULTS a.pdf'.",
    ),
    (
        "results.csv 80",
        "Expected a figure file that ends in .pdf, .png or .svg. Received: 80.",
    ),
    (
        "results.csv 80 a.gif",
        "Expected a figure file that ends in .pdf, .png or .svg. Received: a.gif.",
    ),
    (
        "results.csv 80 no/a.pdf",
        "Expected a figure file in a directory that exists. Received: no/a.pdf; make "
        "no first.",
    ),
    (
        "results.csv a.pdf",
        "Expected the baseline's score after results.csv, which does not hold it. "
        "Received: none; write 'zonekeras plot results.csv 80.567 FIGURE'.",
    ),
    (
        "results.csv eighty a.pdf",
        "Expected results that exist or a baseline's score. Received: 'eighty', "
        "neither a file or directory nor a number.",
    ),
    (
        "results.csv nan a.pdf",
        "Expected a baseline's score from 0 to 100. Received: 'nan'.",
    ),
    (
        "results.csv 101 a.pdf",
        "Expected a baseline's score from 0 to 100. Received: '101'.",
    ),
    (
        "results.csv 80 81 a.pdf",
        "Expected results, then their baseline's score. Received: 81 with no results "
        "before it.",
    ),
    (
        "80 results.csv a.pdf",
        "Expected results, then their baseline's score. Received: 80 with no results "
        "before it.",
    ),
    (
        "results.csv 80 results.csv a.pdf",
        "Expected the baseline's score after results.csv, which does not hold it. "
        "Received: none; write 'zonekeras plot results.csv 80.567 FIGURE'.",
    ),
    (
        "empty 80 a.pdf",
        "Expected a sweep's output directory with results.parquet or results.csv in "
        "it. Received: empty, which holds neither.",
    ),
    (
        "notes.txt 80 a.pdf",
        "Expected results as a .csv file, a .parquet file or a directory. Received: "
        "notes.txt.",
    ),
    (
        "results.csv 80 a.pdf --range 5 -5",
        "Expected a range of effects around 0, the lower end first. Received: 5 to -5.",
    ),
    (
        "results.csv 80 a.pdf --range 5",
        "--range: expected 2 values after it. Received: not as many.",
    ),
    (
        "results.csv 80 a.pdf --figure_size 0 3",
        "--figure_size: expected a number above 0. Received: '0'.",
    ),
    (
        "results.csv 80 a.pdf --draw clouds",
        "--draw: expected one of cells, heads, cumulative, pairs, only, controls, "
        "mass_effect. Received: 'clouds'.",
    ),
    (
        "results.csv 80 a.pdf --score bleu",
        "--score: expected one of em, exact_match, f1, accuracy, macro-f1, macro_f1. "
        "Received: 'bleu'.",
    ),
    (
        "results.csv a.pdf --compare missing.csv",
        "--compare: expected a file or directory. Received: missing.csv, which does "
        "not exist.",
    ),
    (
        "results.csv results.csv a.pdf --compare results.csv",
        "Expected one set of results beside --compare. Received: results.csv, "
        "results.csv.",
    ),
    (
        "results.csv a.pdf --compare short.csv",
        "Expected tables of the same layers and zones. Received: 3 layers x all, q2, "
        "q2p, p2q, p2 and 1 layer x all, q2, q2p, p2q, p2.",
    ),
    (
        "short.csv a.pdf --compare short.csv",
        "Expected two layers or more, run in both tables, for a standard deviation of "
        "the difference. Received: 1 layer x all, q2, q2p, p2q, p2.",
    ),
    (
        "blank.csv 80 a.pdf",
        "blank.csv: expected a score for at least one layer and zone. Received: empty "
        "fields alone.",
    ),
    (
        "results.csv 80 a.png --figure_size 1000 1000",
        "Expected a figure of 1 to 50 inches each way. Received: 1000 x 1000.",
    ),
    (
        "broken.parquet a.pdf",
        "Expected a Parquet file with a sweep's table. Received: broken.parquet, which "
        "cannot be read as one",
    ),
    ("columns.csv 80 a.pdf", "columns.csv: expected the header layer,all,q2,q2p,p2q"),
    ("nan.csv 80 a.pdf", "nan.csv: line 2, column q2: expected a number. Received: 'n"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_costs_one_line(results, directory, capsys, arguments, message):
    (directory / "empty").mkdir()
    (directory / "notes.txt").write_text("notes")
    (directory / "broken.parquet").write_text("not a table")
    (directory / "blank.csv").write_text("layer,all,q2,q2p,p2q,p2\n1,,,,,\n")
    (directory / "columns.csv").write_text("layer,all,q2,p2\n1,1,2,3\n")
    (directory / "nan.csv").write_text("layer,all,q2,q2p,p2q,p2\n1,1,nan,3,4,5\n")
    write_results_csv("short.csv", {(0, zone): 70.0 for zone in ZONES})
    before = names(directory)
    assert main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"zonekeras plot: error: {message}")
    assert captured.err.count("\n") == 1
    assert names(directory) == before


def test_a_directory_that_cannot_be_written_is_a_failure(
    results, directory, capsys, monkeypatch
):
    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied", "a.pdf")

    monkeypatch.setattr("os.replace", refuse)
    before = names(directory)
    assert main(["results.csv", "80", "a.pdf"]) == 1
    assert capsys.readouterr().err == (
        "zonekeras plot: error: Permission denied: a.pdf\n"
    )
    assert names(directory) == before


def test_results_csv_has_the_published_look_unless_another_is_named(results, directory):
    styles = [None, "protocol", "screen", "paper"]
    for style in styles:
        flags = [] if style is None else ["--style", style]
        assert main(["results.csv", "80.567", f"{style}.svg", *flags]) == 0
    drawn = [(directory / f"{style}.svg").read_bytes() for style in styles]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3
    assert b"241.2pt" in drawn[3]  # 3.35 inches


def test_a_sweep_has_the_reports_look_unless_another_is_named(directory):
    write_sweep(directory / "out" / "results.parquet")
    for style in ("screen", "protocol"):
        assert main(["out", f"{style}.svg", "--style", style]) == 0
    assert main(["out", "unset.svg"]) == 0
    unset, screen, protocol = (
        (directory / f"{name}.svg").read_bytes()
        for name in ("unset", "screen", "protocol")
    )
    assert unset == screen != protocol


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a/results.csv", "b/results.csv", ("a/results.csv", "b/results.csv")),
        ("runs/cased", "runs/uncased/", ("cased", "uncased")),
        ("same", "same", ("same", "same")),
    ],
)
def test_sides_are_called_by_the_shortest_ends_of_their_paths(first, second, expected):
    assert plot._side_names(first, second) == expected

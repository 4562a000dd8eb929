"""`zonekeras collect`: make `results.csv` from a directory of predictions files."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.data_warnings import (
    metric_line,
    skipped_note,
    warn_of_metric,
    warn_of_skipped,
)
from cli.parsing import CommandParser
from cli.running import run_command
from cli.shared_flags import METRICS

if TYPE_CHECKING:
    from zonekeras.data.squad import SquadDataset

PROG = "zonekeras collect"
BASELINE_FILE = "predictions.json"

EPILOG = """\
reads from PREDICTIONS_DIR, for any number of layers:
  predictions.json                   the baseline; its score is printed if it is there
  predictions_layer{L}_{zone}.json   layer L, from 0, with a zone masked: all, q2, q2p,
                                     p2q or p2

writes results.csv, layers from 1, scores in points:
  layer,all,q2,q2p,p2q,p2
  1,78.344,80.539,80.482,79.991,66.982

example:
  $ zonekeras collect predictions results.csv --predict_file dev-v1.1.json
  baseline: EM 80.567, F1 88.117
  results.csv: EM of 12 layers x 5 zones
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Score the predictions of every layer and zone and write the "
        "protocol's table of results.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "predictions_dir", metavar="PREDICTIONS_DIR", help="where the predictions are"
    )
    parser.add_argument("results", metavar="results.csv", help="the table to write")
    parser.add_argument(
        "--predict_file",
        metavar="FILE",
        required=True,
        help="the SQuAD-format file that was predicted on",
    )
    parser.add_boolean("--use_f1", default=False, help="write F1 instead of EM")
    parser.add_argument(
        "--metric",
        choices=METRICS,
        default="auto",
        help="which official script scores; see 'zonekeras evaluate --help'",
    )
    parser.add_boolean(
        "--allow_missing",
        default=False,
        help="leave the fields of missing cells empty instead of refusing",
    )
    parser.add_boolean(
        "--skip_bad", default=False, help="leave bad entries of --predict_file out"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)

    from zonekeras.data.squad import read_squad
    from zonekeras.errors import InputError
    from zonekeras.metrics import choose_metric
    from zonekeras.scores import EXACT_MATCH, F1, SPAN_SCORES
    from zonekeras.store.protocol_csv import write_results_csv
    from zonekeras.zones import shown_zones

    directory = Path(arguments.predictions_dir)
    results = Path(arguments.results)
    if not results.parent.is_dir():
        raise InputError(
            f"{results}: expected a file in a directory that exists. "
            f"Received: {results.parent}, which does not; create it."
        )
    files = _find_cells(directory, arguments.allow_missing)
    dataset = read_squad(arguments.predict_file, skip_bad=arguments.skip_bad)
    warn_of_skipped(dataset)
    warn_of_metric(dataset, arguments.metric)
    metric = choose_metric(dataset, arguments.metric)
    baseline = directory / BASELINE_FILE
    paths = [*([baseline] if baseline.exists() else []), *files.values()]
    scores = _score_files(paths, dataset, metric)
    score = F1 if arguments.use_f1 else EXACT_MATCH
    column = SPAN_SCORES.index(score)
    write_results_csv(
        results, {cell: scores[path][column] for cell, path in files.items()}
    )
    if baseline in scores:
        values = [
            f"{one.label} {value:.3f}"
            for one, value in zip(SPAN_SCORES, scores[baseline], strict=True)
        ]
        print(f"baseline: {', '.join(values)}{skipped_note(dataset)}")
    print(metric_line(dataset, arguments.metric))
    num_layers = 1 + max(layer for layer, _ in files)
    num_zones = len(shown_zones(zone for _, zone in files))
    print(f"{results}: {score.label} of {num_layers} layers x {num_zones} zones")


def _find_cells(directory: Path, allow_missing: bool) -> dict[tuple[int, str], Path]:
    """Finds the predictions file of every cell.

    Raises:
        InputError: If there are none, or some are missing and may not be.
    """
    from zonekeras.errors import InputError
    from zonekeras.limits import MOST_LAYERS
    from zonekeras.zones import Zone, shown_zones

    name = re.compile(rf"predictions_layer(0|[1-9]\d*)_({'|'.join(Zone)})\.json")
    if not directory.is_dir():
        raise InputError(f"{directory}: expected a directory of predictions files.")
    files = {
        (int(match[1]), match[2]): path
        for path in sorted(directory.iterdir())
        if (match := name.fullmatch(path.name))
    }
    if not files:
        raise InputError(
            f"{directory}: expected files named predictions_layer{{L}}_{{zone}}.json. "
            "Received: none; give the output directory of a sweep."
        )
    num_layers = 1 + max(layer for layer, _ in files)
    if num_layers > MOST_LAYERS:
        raise InputError(
            f"{directory}: expected layers below {MOST_LAYERS:,}. Received: layer "
            f"{num_layers - 1:,} in the name of a file; rename it or move it away."
        )
    zones = list(map(str, shown_zones(zone for _, zone in files)))
    cells = [(layer, zone) for layer in range(num_layers) for zone in zones]
    missing = [
        f"layer{layer}_{zone}" for layer, zone in cells if (layer, zone) not in files
    ]
    if missing and not allow_missing:
        raise InputError(
            f"{directory}: expected {num_layers} layers x {len(zones)} zones. "
            f"Received: no file for {_shortened(missing)}; run the missing cells, or "
            "leave their fields empty with --allow_missing."
        )
    return files


def _score_files(
    paths: Sequence[Path], dataset: SquadDataset, metric: str
) -> Mapping[Path, tuple[float, float]]:
    """Scores predictions files, with one warning for all that are not complete.

    Returns:
        Each file's exact match and F1, in points.

    Raises:
        InputError: If a file cannot be read or belongs to another dataset.
    """
    from zonekeras.data.predictions import read_predictions_for
    from zonekeras.metrics import evaluate, headline

    scores = {}
    incomplete = []
    for path in paths:
        predictions, missing = read_predictions_for(dataset, path)
        if missing:
            incomplete.append(f"{path.name} ({len(missing)})")
        scores[path] = headline(evaluate(dataset, predictions, metric=metric))
    if incomplete:
        warnings.warn(
            f"predictions are missing for some of {dataset.num_questions} questions in "
            f"{_shortened(incomplete)}",
            stacklevel=3,
        )
    return scores


def _shortened(names: Sequence[str]) -> str:
    """Lists at most ten names and says how many others there are."""
    others = len(names) - 10
    return ", ".join(names[:10]) + (f" and {others} others" if others > 0 else "")


if __name__ == "__main__":
    sys.exit(main())

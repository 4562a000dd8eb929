"""`zonekeras evaluate`: score a predictions file as the official scripts do."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence

from cli.data_warnings import warn_of_metric, warn_of_skipped
from cli.parsing import CommandParser
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.shared_flags import METRICS
from cli.value_types import finite_float, input_path

PROG = "zonekeras evaluate"

EPILOG = """\
metrics:
  squad     the SQuAD v1.1 script: exact_match, f1
  squad_v2  the SQuAD v2.0 script: exact, f1, total, HasAns_*, NoAns_*, and with
            --null_odds best_exact, best_exact_thresh, best_f1, best_f1_thresh
  cmrc2018  the CMRC 2018 script: AVERAGE, F1, EM, TOTAL, SKIP
  drcd      DRCD's rules: exact_match, f1 of characters, for any script without spaces
  mlqa-LANGUAGE
            the MLQA script for answers in en, es, hi, vi, de, ar or zh: exact_match, f1
  auto      squad_v2 if a question is meant to have no answer, else cmrc2018 if the
            passages are in Chinese characters, else squad

example:
  $ zonekeras evaluate dev-v1.1.json predictions.json
  {"exact_match": 80.567..., "f1": 88.117..., "metric": "squad", "because": "auto: every
  question has an answer, and no passages in Chinese characters"}

After the script's keys the line has the metric and, of auto, why it was chosen.
With --skip_bad it has left_out and left_out_of: how many questions of how many in
dev.json are not in the scores.
A prediction that is missing counts as the official script has it (0, but left out in
squad_v2); how many are missing is said on standard error.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Score predictions exactly as the official scripts do; prints one "
        "line of JSON with the script's keys, scores in points.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "dataset", metavar="dev.json", type=input_path, help="a SQuAD-format file"
    )
    parser.add_argument(
        "predictions",
        metavar="predictions.json",
        type=input_path,
        help="question id -> answer text",
    )
    parser.add_argument(
        "--null_odds",
        metavar="FILE",
        type=input_path,
        help='question id -> how much "no answer" is preferred (squad_v2)',
    )
    parser.add_argument(
        "--na_prob_thresh",
        type=finite_float,
        default=1.0,
        metavar="NUMBER",
        help='null odds above it count as "no answer"; 1.0 is the official default',
    )
    parser.add_argument(
        "--metric", choices=METRICS, default="auto", help="which script"
    )
    parser.add_boolean(
        "--skip_bad", default=False, help="leave bad entries of dev.json out"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    with local_paths(build_parser().parse_args(argv)) as local:
        _evaluate(local)


def _evaluate(local: LocalPaths) -> None:
    from zonekeras import metrics
    from zonekeras.data.predictions import read_null_odds, read_predictions_for

    arguments = local.arguments
    dataset = local.read_squad(arguments.dataset, skip_bad=arguments.skip_bad)
    warn_of_skipped(dataset)
    warn_of_metric(dataset, arguments.metric)
    predictions, missing = read_predictions_for(dataset, arguments.predictions)
    null_odds = None
    if arguments.null_odds is not None:
        null_odds = read_null_odds(arguments.null_odds)
    if missing:
        warnings.warn(
            f"{local.given.predictions}: no prediction for {len(missing)} of "
            f"{dataset.num_questions} questions, such as {missing[0]!r}",
            stacklevel=2,
        )
    result = metrics.evaluate(
        dataset,
        predictions,
        null_odds=null_odds,
        metric=arguments.metric,
        null_threshold=arguments.na_prob_thresh,
    )
    line: dict[str, float | str] = {**result}
    if dataset.num_skipped:
        total = dataset.num_questions + dataset.num_skipped
        line |= {"left_out": dataset.num_skipped, "left_out_of": total}
    line |= {"metric": str(metrics.choose_metric(dataset, arguments.metric))}
    if (reason := metrics.reason_for(dataset, arguments.metric)) is not None:
        line |= {"because": reason}
    print(json.dumps(line))


if __name__ == "__main__":
    sys.exit(main())

"""`zonekeras verify`: does a sweep find what is there, and nothing else?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.running import EXIT_FAILURE, EXIT_OK, run_command
from zonekeras.errors import InputError

if TYPE_CHECKING:
    from zonekeras.verification.verification_run import CaseResult, VerificationReport

PROG = "zonekeras verify"

EPILOG = """\
what is planted:
  Readers whose weights are written down by hand, so that the answer flows through one
  zone of one layer. The sweep has to find that cell and 'all' of the same layer: there
  exact match falls from 100 to 25 (a guess among four), it stays 100 in all other
  cells, and the statistics mark those two. Under published semantics 'all' masks
  nothing but shows padding, and must be found only where padding attracts attention.

what is simulated:
  Cells without any effect, in which questions of a passage go together: 5 % of the
  tests may reject, 95 % of the intervals must cover, within Monte-Carlo error.

examples:
  $ zonekeras verify --quick
  $ zonekeras verify --saved_model
  $ KERAS_BACKEND=jax zonekeras verify

The exit code is 0 if everything is as it should be, else 1.
"""

_QUANTITIES = {"covered": "intervals cover", "rejected": "tests reject"}


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Check that a sweep finds what is there, and nothing else: on "
        "readers in which the answer flows through a known zone of a known layer, and "
        "on simulated cells without effects. About half a minute on two cores.",
        epilog=EPILOG,
    )
    parser.add_boolean("--quick", default=False, help="plant and simulate less")
    parser.add_boolean(
        "--saved_model",
        default=False,
        help="export each planted reader and sweep its SavedModel (TensorFlow only)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> int:
    arguments = build_parser().parse_args(argv)

    if arguments.saved_model:
        _check_backend()
    from zonekeras.verification.verification_run import verify

    print(_row("planted", "semantics", "EM", "found (its EM)", "ok"))
    report = verify(
        quick=arguments.quick, saved_model=arguments.saved_model, on_case=_print_case
    )
    _print_statistics(report)
    print("verified" if report.holds else "NOT VERIFIED: see the lines with NO")
    return EXIT_OK if report.holds else EXIT_FAILURE


def _check_backend() -> None:
    """Refuses what only TensorFlow can write, before anything is computed."""
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InputError(
            "Expected the TensorFlow backend with --saved_model. Received: "
            f"{backend}. Leave the flag out, or set KERAS_BACKEND=tensorflow."
        )


def _print_case(result: CaseResult) -> None:
    """Prints what was planted and found, and what differs from what it should be."""
    from zonekeras.zones import BASELINE

    case = result.case
    plant = case.plant
    semantics = str(case.semantics)
    if plant.padding_attracts:
        semantics += ", padding attracts"
    marked = result.marked["exact_match"]
    found = [
        f"{name} ({value:g})"
        for name, value in result.exact_match.items()
        if name in marked
    ]
    row = _row(
        f"layer{plant.layer}:{plant.zone}",
        semantics,
        f"{result.exact_match[BASELINE]:g}",
        ", ".join(found) or "nothing",
        _answer(result.holds),
    )
    print(row, flush=True)
    if not result.holds:
        print(f"  expected to find {', '.join(sorted(case.expected))}")
        for score, cells in result.marked.items():
            print(f"  marked by {score}: {', '.join(sorted(cells)) or 'nothing'}")
        wrong = [f"{name} {result.exact_match[name]:g}" for name in result.wrong_scores]
        print(f"  unexpected EM: {', '.join(wrong) or 'none'}")


def _print_statistics(report: VerificationReport) -> None:
    """Prints the rates on simulated outcomes with their bounds."""
    from zonekeras.task_table import score_named

    print(f"\n{'simulated':<20}{'rate':>8}{'promised':>10}   Monte-Carlo bounds")
    for row in report.statistics.to_dict("records"):
        name = f"{score_named(row['score']).label}: {_QUANTITIES[row['quantity']]}"
        bounds = f"{row['low']:.2%} to {row['high']:.2%}"
        print(
            f"{name:<20}{row['rate']:>8.2%}{row['expected']:>10.0%}   {bounds:<21}"
            f"{_answer(row['holds'])}"
        )


def _row(planted: str, semantics: str, baseline: str, found: str, answer: str) -> str:
    return f"{planted:<12}{semantics:<29}{baseline:>4}  {found:<34}{answer}"


def _answer(holds: bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    sys.exit(main())

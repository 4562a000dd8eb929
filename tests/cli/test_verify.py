import keras
import pandas as pd
import pytest

import zonekeras.verification.verification_run as verification
from cli.verify import main
from zonekeras.verification.planted_model import Plant
from zonekeras.verification.verification_run import Case, CaseResult, VerificationReport
from zonekeras.zones import Semantics, Zone

CASE = Case(Plant(1, Zone.P2Q, True), 3, Semantics.PUBLISHED)
SCORES = {"baseline": 100.0, "layer1:all": 25.0, "layer1:p2q": 25.0, "layer2:p2": 100.0}
RIGHT = CaseResult(CASE, SCORES, {"exact_match": CASE.expected, "f1": CASE.expected})
WRONG = CaseResult(
    CASE,
    SCORES | {"layer1:all": 100.0, "layer2:p2": 62.5},
    {"exact_match": frozenset(["layer1:p2q"]), "f1": frozenset()},
)
STATISTICS = pd.DataFrame(
    {
        "score": ["exact_match", "exact_match"],
        "quantity": ["covered", "rejected"],
        "rate": [0.951, 0.0495],
        "expected": [0.95, 0.05],
        "low": [0.932, 0.034],
        "high": [0.966, 0.0675],
        "holds": [True, True],
    }
)


@pytest.fixture
def give(monkeypatch):
    """Makes `verify` return results; returns the flags that it is called with."""

    def give(results, statistics=STATISTICS):
        flags = {}

        def verify(*, on_case, **given):
            flags.update(given)
            for result in results:
                on_case(result)
            return VerificationReport(tuple(results), statistics)

        monkeypatch.setattr(verification, "verify", verify)
        return flags

    return give


def test_what_was_found_is_shown(give, capsys):
    flags = give([RIGHT])
    assert main(["--quick"]) == 0
    assert flags == {"quick": True, "saved_model": False}
    assert capsys.readouterr().out.splitlines() == [
        "planted     semantics                      EM  found (its EM)        "
        "            ok",
        "layer1:p2q  published, padding attracts   100  layer1:all (25), layer1:p2q "
        "(25)  yes",
        "",
        "simulated               rate  promised   Monte-Carlo bounds",
        "EM: intervals cover   95.10%       95%   93.20% to 96.60%     yes",
        "EM: tests reject       4.95%        5%   3.40% to 6.75%       yes",
        "verified",
    ]


def test_a_wrong_finding_is_explained_and_fails(give, capsys):
    flags = give([RIGHT, WRONG])
    assert main(["--saved_model"]) == 1
    assert flags == {"quick": False, "saved_model": True}
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("layer1:p2q (25)                   NO")
    assert lines[3:6] == [
        "  expected to find layer1:all, layer1:p2q",
        "  marked by exact_match: layer1:p2q",
        "  marked by f1: nothing",
    ]
    assert lines[6] == "  unexpected EM: layer1:all 100, layer2:p2 62.5"
    assert lines[-1] == "NOT VERIFIED: see the lines with NO"


def test_a_rate_out_of_bounds_fails(give, capsys):
    give([RIGHT], STATISTICS.assign(holds=[True, False]))
    assert main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith("NO")
    assert lines[-1] == "NOT VERIFIED: see the lines with NO"


def test_a_saved_model_needs_tensorflow(give, monkeypatch, capsys):
    give([RIGHT])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert main(["--saved_model"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "zonekeras verify: error: Expected the TensorFlow backend with --saved_model. "
        "Received: jax. Leave the flag out, or set KERAS_BACKEND=tensorflow.\n"
    )


def test_a_planted_reader_from_end_to_end(monkeypatch, capsys):
    case = Case(Plant(0, Zone.P2Q), 1)
    monkeypatch.setattr(verification, "chosen_cases", lambda **_: [case])
    assert main(["--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == (
        "layer0:p2q strict 100 layer0:all (25), layer0:p2q (25) yes".split()
    )
    assert len(lines) == 9
    assert lines[-1] == "verified"

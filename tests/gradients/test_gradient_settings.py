import re

import pytest

from zonekeras.errors import InputError
from zonekeras.gradients.gradient_settings import NUM_EXACT, GradientSettings


def test_defaults():
    assert GradientSettings.of({}) == GradientSettings(exact=NUM_EXACT)


def test_windows_and_batches_are_a_sweeps():
    settings = GradientSettings.of({"max_seq_length": 29, "batch_size": 2, "steps": 3})
    assert settings.of_sweep() == {
        "max_seq_length": 29,
        "doc_stride": 128,
        "max_query_length": 64,
        "token_budget": 2048,
        "batch_size": 2,
    }
    assert settings.content()["steps"] == 3


def test_zones_are_in_order_and_decide_the_run_if_they_are_not_the_usual():
    settings = GradientSettings.of({"zones": ["p2q-text", "q2", "q2"]})
    assert settings.zones == ("q2", "p2q-text")
    assert settings.content()["zones"] == ["q2", "p2q-text"]
    usual = GradientSettings.of({"zones": ["p2", "q2", "all", "p2q", "q2p"]})
    assert usual == GradientSettings()
    assert "zones" not in usual.content()


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"exact": 2}, "exact=2 is not 0 or a whole number of at least 3"),
        ({"exact_heads": -1}, "exact_heads=-1 is not 0 or a whole number of at least"),
        ({"steps": 1.5}, "steps=1.5 is not a whole number of at least 0"),
        ({"seed": True}, "seed=True is not a whole number of at least 0"),
        ({"batch_size": 0}, "batch_size=0 is not a whole number of at least 1"),
        ({"zones": []}, "zones=[] is not one or several of all, q2, q2p, p2q, p2, cls"),
        ({"zones": ["q3"]}, "zones=['q3'] is not one or several of all, q2, "),
        ({"zones": "q2"}, "zones='q2' is not one or several of all, q2, "),
        ({"semantics": "published"}, "semantics is not a setting (they are exact, "),
    ],
)
def test_what_cannot_be_used_is_named(settings, fault):
    with pytest.raises(InputError, match=re.escape(fault)):
        GradientSettings.of(settings)


def test_all_faults_at_once():
    with pytest.raises(InputError, match="exact=1 is .*; steps=-1 is not"):
        GradientSettings.of({"exact": 1, "steps": -1})

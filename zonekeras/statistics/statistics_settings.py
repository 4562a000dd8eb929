"""Settings of the statistics that the library and the commands share."""

NUM_RESAMPLES = 10_000
"""Bootstrap resamples, and sign patterns of the permutation test."""

SEED = 0
"""Seed of everything that is drawn."""

CONFIDENCE = 0.95
"""How often an interval covers the true effect."""

ALPHA = 0.05
"""How often a two-sided test rejects where there is no effect."""

POWER = 0.8
"""How often an effect of the detectable size is found."""

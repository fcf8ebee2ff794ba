"""The short form of the campaign: the same course for as long as a suite can spare."""

from __future__ import annotations

import os
import random

import pytest

from tests.campaign.__main__ import campaign

SECONDS = 40.0


@pytest.mark.slow
def test_a_short_campaign_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """CAMPAIGN_SEED repeats one; the seed of a failed one stands in its summary."""
    seed = int(os.environ.get("CAMPAIGN_SEED", random.SystemRandom().randrange(10**6)))
    outcome = campaign(seed, SECONDS, quiet=True)
    summary = "\n".join(outcome.lines())
    print(summary)
    assert outcome.fine, summary
    assert outcome.tally.commits.total() > 0
    assert outcome.rests > 2

"""Each target that the stored page misses stands there with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.misses import REASONS, explained, reason
from benchmarks.musthold import Line

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def missed() -> list[str]:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return [row[1].strip() for row in rows if len(row) > 4 and row[4].strip() == "missed"]


@pytest.mark.parametrize("what", missed())
def test_a_missed_target_of_the_page_has_its_reason_there(what: str) -> None:
    _, _, why = PAGE.read_text(encoding="utf-8").partition("## What is missed, and why")
    assert what in why
    assert any(what.startswith(start) for start, _ in REASONS)
    assert reason(what) in why


def test_targets_with_one_reason_stand_together_and_those_that_are_met_do_not() -> None:
    text = explained(
        [
            Line("change log, single INSERT, over no capture", 1.1, 1.2),
            Line("change log, DELETE of 1,000, over no capture", 1.1, 1.3),
            Line("change log, UPDATE of 1,000, over no capture", 1.1, 1.0),
            Line("something else", 1.0, 2.0),
            Line("reported", None, 2.0),
        ]
    )
    assert text.count("\n") == 1
    assert text.startswith(
        "- **change log, single INSERT, over no capture; "
        "change log, DELETE of 1,000, over no capture.** One row"
    )
    assert text.endswith("- **something else.** Not looked into.")

"""What a comparison says about one rewritten statement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.scan.findings.values import Place

NOWHERE = Place(path="", line=1, column=1)


class Verdict(StrEnum):
    """PROVED is never said of empty results."""

    PROVED = "proved"
    DIFFERENT = "different"
    NOT_PROVABLE = "not provable"
    WEAK = "equal, weak"
    """Equal on every run, but a wrong rewriting would have been equal too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The verdict and what it rests on."""

    verdict: Verdict
    place: Place = NOWHERE
    why: str = ""
    example: str = ""
    runs: int = 0
    rows: int = 0
    mutants: int = 0
    killed: int = 0
    survivors: tuple[str, ...] = ()
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()

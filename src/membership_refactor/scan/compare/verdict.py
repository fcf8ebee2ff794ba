"""What a comparison says about one rewritten statement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.scan.findings.values import Place

NOWHERE = Place(path="", line=1, column=1)


class Verdict(StrEnum):
    """A comparison is no proof. EQUAL says what was done, and is never said of empty results."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The verdict and what it rests on."""

    verdict: Verdict
    place: Place = NOWHERE
    why: str = ""
    example: str = ""
    sets: int = 0
    """Sets of rows on which both forms ran."""
    runs: int = 0
    rows: int = 0
    wrong_forms: int = 0
    """Wrong forms that were made on purpose."""
    told_apart: int = 0
    """How many of them gave other results than the right form."""
    missed: tuple[str, ...] = ()
    """Wrong forms that no set of rows told apart. Some of them mean the same."""
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in words, such as ``equal on 47 data sets``."""
        said = f"equal on {self.sets} data sets" if self.verdict is Verdict.EQUAL else self.verdict
        detail = f": {self.why}" if self.why else ""
        counts = (
            f" ({self.runs} runs, {self.rows} rows, {self.told_apart} of {self.wrong_forms} wrong "
            "forms told apart)"
        )
        return f"{said}{detail}{counts if self.runs else ''}"

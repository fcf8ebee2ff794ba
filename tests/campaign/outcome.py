"""What a campaign counted, and its printed summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.writers import Tally


@dataclass(slots=True)
class Outcome:
    """What the campaign counted; ``bad`` has a line for everything that must not be."""

    seed: int
    seconds: float = 0.0
    steps: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    crashes: int = 0
    cut: int = 0
    """Connections of writers and of movers ended by pg_terminate_backend."""
    starved: int = 0
    """Short locks that were given up, with the names of the writers in the way."""
    restores: int = 0
    """Dumps that were restored, on the same server or another."""
    abandoned: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """What others did to the tables, by kind."""
    mended: Counter[str] = field(default_factory=Counter)
    """Refused steps that went on after what they asked for had been done, by how."""
    rests: int = 0
    compared: int = 0
    verified: int = 0
    false_alarms: int = 0
    bad: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def lines(self) -> list[str]:
        """The printed summary."""
        tally, bad = self.tally, self.bad
        commits = {k: n for k, n in sorted(tally.commits.items()) if "-" in k or k == "source"}
        levels = {k: n for k, n in sorted(tally.commits.items()) if k not in commits}
        lost = sum(b.startswith("lost") for b in bad)
        ghosts = sum(b.startswith("ghost") for b in bad)
        return [
            f"campaign: seed {self.seed}, {self.seconds / 60:.1f} minutes",
            f"  steps           {self.steps.total()}: {_said(self.steps)}",
            f"  commits         {sum(commits.values())}: {_said(commits)}",
            f"                  {_said(levels)}",
            f"  in doubt        {_said(tally.doubts) or 'none'}",
            f"  client kills    {self.kills}",
            f"  server crashes  {self.crashes}",
            f"  cut connections {self.cut}",
            f"  locks given up  {self.starved}",
            f"  restores        {self.restores}",
            f"  abandoned       {self.abandoned}",
            f"  events          {_said(self.events) or 'none'}",
            f"  mended          {_said(self.mended) or 'none'}",
            f"  writers' errors {_said(tally.errors) or 'none'}",
            f"  unexpected      {len(tally.unexpected)}",
            f"  rests           {self.rests}, {self.compared:,} rows compared",
            f"  verify          {self.verified} passes among writers, "
            f"{self.false_alarms} false alarms",
            f"  lost writes     {lost}",
            f"  ghosts          {ghosts}",
            f"  otherwise wrong {len(bad) - lost - ghosts}",
            *(f"  ! {line}" for line in (*bad, *tally.unexpected)[:30]),
        ]

    @property
    def fine(self) -> bool:
        return not self.bad and not self.tally.unexpected and not self.false_alarms


def _said(counts: Any) -> str:
    return ", ".join(f"{k} {n}" for k, n in sorted(counts.items()))

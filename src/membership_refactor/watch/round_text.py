"""What one round of samples has shown, as lines for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from membership_refactor.counts import times
from membership_refactor.watch.ledger_rows import Outcome


def as_text(outcomes: Iterable[Outcome]) -> str:
    """A line for each target, and one for each hole."""
    return "\n".join(line for outcome in outcomes for line in _lines(outcome))


def _lines(o: Outcome) -> Iterator[str]:
    at = f"{o.ended:%Y-%m-%d %H:%M:%S} UTC  {o.target} ({o.source}): "
    if o.began is None:
        yield at + "first sample; the evidence begins here"
    elif o.uses:
        yield at + f"used {times(o.uses)} since {o.began:%Y-%m-%d %H:%M:%S}, by {', '.join(o.who)}"
    elif o.holes:
        yield at + f"not covered since {o.began:%Y-%m-%d %H:%M:%S}"
    else:
        yield at + f"no use since {o.began:%Y-%m-%d %H:%M:%S}"
    yield from (f"  {hole}" for hole in o.holes)

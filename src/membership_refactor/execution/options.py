"""Options of a run: what ``alembic -x NAME=VALUE`` sets."""

from __future__ import annotations

from dataclasses import dataclass, fields

from membership_refactor.errors import WrongUse
from membership_refactor.script.options import Pace
from membership_refactor.sql.pacing.latency import DEFAULT, MaxLatency, read_max_latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Pace):
    """A pace, and what only a run on the server has: several sessions, and a connection."""

    workers: int | None = None
    """Batches at a time. None for half of the server's cores, and one where they are not known."""
    max_latency: MaxLatency | None = DEFAULT
    """How long a small write may take while batches run. None to measure nothing."""
    pooler: str | None = None
    """``session`` where a pooler answers that keeps a session for each client."""

    @staticmethod
    def names() -> tuple[str, ...]:
        """The ``-x`` names, with dashes."""
        return tuple(f.name.replace("_", "-") for f in fields(Options))

    @staticmethod
    def from_text(given: dict[str, str]) -> Options:
        """Read options from ``-x`` values. WrongUse names the first invalid one."""
        read: dict[str, object] = {}
        for name, text in given.items():
            if name.startswith("accept-"):
                if not text.strip():
                    raise WrongUse(
                        f"-x {name} needs a reason; it is recorded.",
                        hint=f'For example -x {name}="nobody reads it, ticket 123"',
                    )
                read[name.replace("-", "_")] = text
                continue
            if name == "pooler":
                if text != "session":
                    raise WrongUse(f'-x pooler="{text}" is not known.', hint="-x pooler=session")
                read["pooler"] = text
                continue
            if name == "max-latency":
                read["max_latency"] = _max_latency(text)
                continue
            try:
                number = int(text)
            except ValueError:
                number = 0
            if number < 1:
                raise WrongUse(
                    f'-x {name}="{text}" is not a whole number of 1 or more.',
                    hint=f"For example -x {name}=4, or leave it out.",
                )
            read[name.replace("-", "_")] = number
        return Options(**read)  # type: ignore[arg-type]


def _max_latency(text: str) -> MaxLatency | None:
    if text == "off":
        return None
    found = read_max_latency(text)
    if found is None:
        raise WrongUse(
            f'-x max-latency="{text}" is neither a factor above 1 nor a number of milliseconds.',
            hint="For example -x max-latency=2x, -x max-latency=50ms or -x max-latency=off",
        )
    return found

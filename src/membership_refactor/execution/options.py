"""Options of a run: what ``alembic -x NAME=VALUE`` sets."""

from __future__ import annotations

from dataclasses import dataclass, fields

from membership_refactor.errors import WrongUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a step runs. The defaults suit a live server."""

    batch_rows: int | None = None
    """Rows per batch. None lets batches adapt to their target duration."""
    workers: int = 1
    lock_timeout: int = 120
    """Seconds for which a short lock is retried before the step stops."""
    max_lag_bytes: int | None = None
    """Batches wait while the slowest replica is more bytes than this behind."""
    max_wal_rate: int | None = None
    """Batches wait while the server writes more bytes of WAL per second than this."""
    max_active: int | None = None
    """Batches wait while more sessions of others than this are active."""
    pooler: str | None = None
    """``session`` where a pooler answers that keeps a session for each client."""
    accept_usage: str | None = None
    """The reason to open a gate without evidence; it is recorded."""

    @staticmethod
    def names() -> tuple[str, ...]:
        """The ``-x`` names, with dashes."""
        return tuple(f.name.replace("_", "-") for f in fields(Options))

    @staticmethod
    def from_text(given: dict[str, str]) -> Options:
        """Read options from ``-x`` values. WrongUse names the first invalid one."""
        read: dict[str, object] = {}
        for name, text in given.items():
            if name == "accept-usage":
                if not text.strip():
                    raise WrongUse("-x accept-usage needs a reason; it is recorded.")
                read["accept_usage"] = text
                continue
            if name == "pooler":
                if text != "session":
                    raise WrongUse(f'-x pooler="{text}" is not known.', hint="-x pooler=session")
                read["pooler"] = text
                continue
            try:
                number = int(text)
            except ValueError:
                raise WrongUse(f'-x {name}="{text}" is not a whole number.') from None
            if number < 1:
                raise WrongUse(f"-x {name}={number} is below 1.")
            read[name.replace("-", "_")] = number
        return Options(**read)  # type: ignore[arg-type]

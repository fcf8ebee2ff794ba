"""Options of a run: what ``alembic -x NAME=VALUE`` sets."""

from __future__ import annotations

from dataclasses import dataclass, fields

from membership_refactor.errors import WrongUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a step is run; the defaults suit a live server."""

    batch_rows: int | None = None
    """Rows of a batch; None lets the batches adapt to their target duration."""
    workers: int = 1
    lock_timeout: int = 120
    """Seconds for which a short lock is tried again before the step gives up."""
    max_lag_bytes: int | None = None
    """Backlog of the slowest replica above which batches wait."""
    max_wal_rate: int | None = None
    """Bytes of WAL a second above which batches wait."""
    max_active: int | None = None
    """Active sessions of others above which batches wait."""
    pooler: str | None = None
    """``session`` where a pooler answers that keeps a session for each client."""
    accept_usage: str | None = None
    """The reason for which a gate is passed without evidence; it is recorded."""

    @staticmethod
    def names() -> tuple[str, ...]:
        """The ``-x`` names, with dashes."""
        return tuple(f.name.replace("_", "-") for f in fields(Options))

    @staticmethod
    def from_text(given: dict[str, str]) -> Options:
        """Options from ``-x`` values; WrongUse names the one that cannot be."""
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

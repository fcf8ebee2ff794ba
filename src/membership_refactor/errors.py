"""Every error of the package: one root; a message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class RefactorError(Exception):
    """The root. Its text is one message a person can act on; it never holds a password.

    ``hint`` is the next thing to do. It is part of the text, and kept apart for JSON output.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.message = message
        self.hint = hint


class PlanError(RefactorError):
    """A plan contradicts itself; the message names the field."""


class PlanChanged(PlanError):
    """The plan is not the one that the first step recorded in the ledger."""


class PortraitMismatch(RefactorError):
    """The tables are not what the plan or the script expects; ``differences`` has a line each."""

    def __init__(
        self, message: str, *, differences: Sequence[str] = (), hint: str | None = None
    ) -> None:
        listed = "".join(f"\n  - {line}" for line in differences)
        super().__init__(f"{message}{listed}", hint=f"\n{hint}" if listed and hint else hint)
        self.differences = tuple(differences)


class CannotCarry(PortraitMismatch):
    """The table has something that a copy cannot carry; nothing has been changed."""


class CheckFailed(RefactorError):
    """An invariant does not hold: ``count`` rows break it, ``keys`` are the first of them."""

    def __init__(
        self,
        name: str,
        sentence: str,
        *,
        count: int,
        keys: Sequence[str],
        hint: str | None = None,
    ) -> None:
        rows = "1 row" if count == 1 else f"{count} rows"
        first = f", first keys: {'; '.join(keys)}" if keys else ""
        super().__init__(f'check "{name}" failed: {sentence} ({rows}{first}).', hint=hint)
        self.name = name
        self.count = count
        self.keys = tuple(keys)


class GateClosed(RefactorError):
    """A step asks for evidence that nobody uses the old structure, and there is none."""


class StepOutOfOrder(RefactorError):
    """The ledger knows of an open step, or of a step that has to come first."""


class StepInterrupted(RefactorError):
    """The step stopped half-way; what it committed stays, and the ledger knows it as open."""


class LockNotObtained(RefactorError):
    """A lock was not given in the bounded time of trying; nothing of this statement happened."""


class ReplayOutpaced(RefactorError):
    """Writers fill the log of a move at least as fast as it is replayed."""


class NoDatabase(RefactorError):
    """No usable PostgreSQL: not reachable, refused, too old, or of another encoding."""


class LedgerFormUnknown(RefactorError):
    """Another version of the tool made the ledger, in a form that this version cannot use."""


class WrongUse(RefactorError):
    """An option or a value that does not exist."""

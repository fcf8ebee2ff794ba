"""The errors of the package. A message says what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.counts import counted


class RefactorError(Exception):
    """The root of all errors. The text never contains a password.

    ``hint`` says what to do next. It is part of the text and, for JSON output, also an attribute.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.message = message
        self.hint = hint

    def advise(self, hint: str) -> None:
        """Give the error another hint."""
        self.hint = hint
        self.args = (f"{self.message} {hint}",)


class PlanError(RefactorError):
    """A plan contradicts itself; the message names the field."""


class PlanChanged(PlanError):
    """The plan is not the one that the first step recorded in the ledger."""


class PortraitMismatch(RefactorError):
    """The tables differ from what the plan or the script expects; ``differences`` lists how."""

    def __init__(
        self, message: str, *, differences: Sequence[str] = (), hint: str | None = None
    ) -> None:
        listed = "".join(f"\n  - {line}" for line in differences)
        super().__init__(f"{message}{listed}", hint=f"\n{hint}" if listed and hint else hint)
        self.differences = tuple(differences)


class CannotCarry(PortraitMismatch):
    """The table has something that cannot be copied; nothing has been changed."""


class CheckFailed(RefactorError):
    """A check failed: ``count`` rows break it, and ``keys`` are the first of them."""

    def __init__(
        self,
        name: str,
        sentence: str,
        *,
        count: int,
        keys: Sequence[str],
        hint: str | None = None,
    ) -> None:
        first = f", first keys: {'; '.join(keys)}" if keys else ""
        super().__init__(
            f'check "{name}" failed: {sentence} ({counted(count, "row")}{first}).', hint=hint
        )
        self.name = name
        self.count = count
        self.keys = tuple(keys)


class GateClosed(RefactorError):
    """There is no evidence yet that the old structure is unused."""


class StepOutOfOrder(RefactorError):
    """Another step is open, or has to come first."""


class StepInterrupted(RefactorError):
    """The step stopped before its end. What it committed stays, and the step is open."""


class LockNotObtained(RefactorError):
    """A lock was not obtained in the allowed time; the statement changed nothing."""


class ServerTooSlow(RefactorError):
    """The server answers too slowly although the tool does nothing, for longer than allowed."""


class ReplayOutpaced(RefactorError):
    """Writers add to the log of a table build at least as fast as it is replayed."""


class NoDatabase(RefactorError):
    """No usable PostgreSQL: not reachable, refused, too old, or not in UTF8."""


class LedgerFormUnknown(RefactorError):
    """Another version of the tool made the ledger, in a form that this version cannot use."""


class WrongUse(RefactorError):
    """An option or a value that does not exist or cannot be used."""

"""The source view of the old shape: every statement that reads the view notes its reader.

It stands in no statistics of its own. The server's log has a line for each read, and
pg_stat_statements counts a statement that the view runs, for the role that reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.planning.targets import old_shape
from membership_refactor.sql.names import Names
from membership_refactor.sql.old_shape.reading import mark, noting, said
from membership_refactor.watch.samples import Count
from membership_refactor.watch.server_log import Record

NAME = "view of the old shape"
RANK = 2
WHY = "by the note of the view"
CANNOT_SEE = (
    "which columns are read; without the server's log also the application, the statement, and "
    "writes that the view refuses"
)


@dataclass(frozen=True, slots=True)
class Notes:
    """How one view's notes are found."""

    target: str
    mark: str
    """A word of the statement that each read runs."""
    statement: str
    line: str
    """How the line in the log begins."""
    shown: str
    """What stands in the place of a reader's statement that is not known."""

    @classmethod
    def of(cls, names: Names) -> Notes | None:
        """None where the plan has no such view."""
        if not names.plan.old_shape_view:
            return None
        shown = f"(a statement that reads {names.old_shape})"
        return cls(old_shape(names.plan), mark(names), noting(names), said(names), shown)

    def has(self, count: Count) -> bool:
        """Whether that is the statement that each read runs."""
        return not count.toplevel and count.text.strip() == self.statement

    def read(self, record: Record) -> str | None:
        """The statement to which a record of the log belongs; None for any other record."""
        if record.severity != "LOG" or not record.message.startswith(self.line):
            return None
        return record.statement or self.shown

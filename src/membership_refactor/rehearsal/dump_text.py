"""The text of pg_dump, cut into its entries; which of them a clone must not have, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = re.compile(
    r"^--\n-- Name: (?P<name>.*); Type: (?P<type>[A-Z][A-Z ]*); Schema: .*; Owner:.*\n--\n",
    re.MULTILINE,
)
# psql's own commands, and settings that an older server does not know.
_NOT_SQL = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout = .*)$", re.MULTILINE)

LEFT_OUT = {
    "SUBSCRIPTION": "dropped in the clone, it would drop the real replication slot",
    "SUBSCRIPTION TABLE": "dropped in the clone, it would drop the real replication slot",
    "EVENT TRIGGER": "it would fire for every command of the chain, as it will in production",
    "USER MAPPING": "it holds a password of another server",
}
"""Types of entries that a clone does not get, and the reason."""
_WORKERS = ("pg_cron", "pg_net", "pg_partman_bgw", "timescaledb", "citus")
"""Extensions with processes of their own, which work in one database of the server only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the dump: its type and name, and the SQL that makes it."""

    type: str
    name: str
    text: str

    @property
    def why_left_out(self) -> str | None:
        """Why the clone does not get it; None where it does."""
        # A comment or a grant names the type of its object: "SUBSCRIPTION feed".
        for type_name, reason in LEFT_OUT.items():
            if self.type == type_name or self.name.startswith(f"{type_name} "):
                return reason
        if self.type == "EXTENSION" and self.name in _WORKERS:
            return "its processes work in one database of a server only"
        return None


def entries(text: str) -> Iterator[Entry]:
    """The entries in the order in which they have to run; the settings of the session first."""
    text = _NOT_SQL.sub("", text)
    heads = list(_HEADER.finditer(text))
    first = heads[0].start() if heads else len(text)
    yield Entry("SESSION", "settings", text[:first])
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        yield Entry(head["type"], head["name"], text[head.end() : end])


def left_out(found: list[Entry]) -> tuple[str, ...]:
    """A line for each object that the clone does not get; never what it holds."""
    return tuple(
        f"{e.type.lower()} {e.name}: {e.why_left_out}"
        for e in found
        if e.why_left_out and e.type in (*LEFT_OUT, "EXTENSION") and e.type != "SUBSCRIPTION TABLE"
    )

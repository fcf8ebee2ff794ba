"""Tell the tool's own statements, dumps, upkeep and checks of foreign keys from use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.sql.own_statements import MARK


class Kind(StrEnum):
    """What runs a statement."""

    USE = "use"
    OWN = "the tool"
    DUMP = "pg_dump"
    UPKEEP = "upkeep"
    FOREIGN_KEY = "foreign key"
    RESET = "reset"
    TRACKING = "tracking"


_RESET = re.compile(r"\bpg_stat_statements_reset\s*\(", re.I)
_TRACKING = re.compile(
    r"^\s*(?:SET|RESET)\b.*\b(?:pg_stat_statements\s*\.|compute_query_id)", re.I | re.S
)
_FOREIGN_KEY = re.compile(
    r"^(?:SELECT (?:\d|\$\d+) FROM (?:ONLY )?|DELETE FROM (?:ONLY )?|UPDATE (?:ONLY )?)\"[^;]*"
    r"OPERATOR\(pg_catalog\.=\)|^SELECT fk\..* FROM (?:ONLY )?.* fk LEFT OUTER JOIN",
    re.S,
)
_UPKEEP = re.compile(
    r"^(?:VACUUM|ANALYZE|REINDEX|CLUSTER|ALTER|COMMENT|GRANT|REVOKE|SECURITY\s+LABEL|"
    r"DROP|CREATE\s+(?:UNIQUE\s+)?INDEX|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|"
    r"CREATE\s+STATISTICS|CREATE\s+POLICY|CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE|VIEW|"
    r"RULE)|CREATE\s+PUBLICATION|CREATE\s+TABLE\s+\S+\s*\()\b",
    re.I,
)
_COPY_OUT = re.compile(r"^COPY\s+(\S+)\s*\([^()]*\)\s+TO\s+stdout\s*;?\s*$", re.I)
_LOCK = re.compile(
    r"^LOCK\s+TABLE\s.*\bIN\s+ACCESS\s+SHARE\s+MODE(?:\s+NOWAIT)?\s*;?\s*$", re.I | re.S
)
_NAME = r"[\w\"]+(?: \. [\w\"]+)*"
_VARIABLES = re.compile(rf"(?<!INSERT )(?<!MERGE )INTO (?:STRICT )?{_NAME}(?: , {_NAME})* ")
_DO = re.compile(r"^DO\b", re.I)
_MAKES = re.compile(r"^\s*(?:DO|CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE))\b", re.I)


@dataclass(frozen=True)
class OwnTexts:
    """What the tool's own functions run, in a form in which two texts can be compared."""

    ledger: str
    bodies: tuple[str, ...] = ()

    @classmethod
    def of(cls, ledger: str, bodies: Iterable[str]) -> OwnTexts:
        return cls(ledger, tuple(map(_as_run, bodies)))

    def with_made(self, texts: Iterable[str]) -> OwnTexts:
        """Also what the tool's blocks run, and its functions that are gone, by the statements that
        made them."""
        made = [text for text in texts if _MAKES.match(text) and self.has(text, toplevel=True)]
        found = [body for text in made for body in _dollar_quoted(text)]
        return OwnTexts(self.ledger, (*self.bodies, *map(_as_run, found)))

    def has(self, text: str, *, toplevel: bool) -> bool:
        """Whether the tool runs this statement: it bears the tool's mark, names an object of the
        ledger, which nobody else may use, or stands in a function of the tool."""
        if MARK in text or self._names_ledger(text):
            return True
        if toplevel:
            return False
        # PL/pgSQL writes SELECT for PERFORM.
        rest = plain(text).partition(" ")[2]
        return bool(rest) and any(rest in body for body in self.bodies)

    def _names_ledger(self, text: str) -> bool:
        if self.ledger.lower() not in text.lower():
            return False
        found = SqlText(Placed.at(text), "postgres").tokens
        return any(
            token.text.strip('"').lower() == self.ledger.lower() and after.text == "."
            for token, after in pairwise(found)
        ) or bool(_DO.match(text.lstrip()))


def _as_run(body: str) -> str:
    """The body's statements as PL/pgSQL runs them: without the variables of INTO."""
    return _VARIABLES.sub("", plain(body))


def _dollar_quoted(text: str) -> Iterator[str]:
    for token in SqlText(Placed.at(text), "postgres").tokens:
        if token.kind == "dollar":
            edge = token.text.index("$", 1) + 1
            yield token.text[edge:-edge]


def kind_of(text: str, own: OwnTexts, *, toplevel: bool, dumps: bool) -> Kind:
    """The kind of a statement. ``dumps`` says that its role locks tables as pg_dump does, as
    often as it copies them."""
    bare = without_comments(text)
    if _TRACKING.match(bare):
        return Kind.TRACKING
    if _RESET.search(bare):
        return Kind.RESET
    if own.has(text, toplevel=toplevel):
        return Kind.OWN
    if not toplevel and _FOREIGN_KEY.match(bare):
        return Kind.FOREIGN_KEY
    if _LOCK.match(bare) or (_COPY_OUT.match(bare) and dumps):
        return Kind.DUMP
    if _UPKEEP.match(bare) or (_DO.match(bare) and toplevel):
        return Kind.UPKEEP
    return Kind.USE


def is_copy_out(text: str) -> bool:
    """Whether the statement has the form in which pg_dump reads a table."""
    return bool(_COPY_OUT.match(without_comments(text)))


def is_dump_lock(text: str) -> bool:
    """Whether the statement has the form in which pg_dump locks tables."""
    return bool(_LOCK.match(without_comments(text)))


def without_comments(text: str) -> str:
    """The statement without its comments, and without blanks around it."""
    tokens = SqlText(Placed.at(text), "postgres").every_token
    return "".join(" " if t.kind == "comment" else t.text for t in tokens).strip()


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The statement in one line, every literal and parameter of it a question mark."""
    return " ".join(
        "?" if token.kind in ("string", "number", "param", "dollar") else token.text
        for token in SqlText(Placed.at(text), "postgres").tokens
    )


def masked(text: str) -> str:
    """The statement without its comments, every literal of it a question mark."""
    tokens = SqlText(Placed.at(text), "postgres").every_token
    shown = [
        "?" if t.kind in ("string", "number", "dollar") else " " if t.kind == "comment" else t.text
        for t in tokens
    ]
    return " ".join("".join(shown).split())

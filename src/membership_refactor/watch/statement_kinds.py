"""Tell the tool's own statements, dumps, upkeep and checks of foreign keys from use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.sql.own_statements import MARK
from membership_refactor.watch.samples import Count


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
_QUOTED = r"(?:\"(?:[^\"]|\"\")+\"(?:\.|\b|(?=\W)))+"
_FOREIGN_KEY = re.compile(
    rf"^SELECT (?:\d|\$\d+) FROM (?:ONLY )?{_QUOTED} x WHERE .*\bFOR KEY SHARE OF x$|"
    rf"^(?:DELETE FROM (?:ONLY )?{_QUOTED}|UPDATE (?:ONLY )?{_QUOTED} SET .*) WHERE "
    r"\$\d+ OPERATOR\(pg_catalog\.=\)|"
    r"^SELECT fk\.\".* FROM (?:ONLY )?\".* fk LEFT OUTER JOIN (?:ONLY )?\".* pk ON",
    re.S,
)
_UPKEEP = re.compile(
    r"^(?:VACUUM|ANALYZE|REINDEX|CLUSTER|ALTER|COMMENT|GRANT|REVOKE|SECURITY\s+LABEL|"
    r"DROP|CREATE\s+(?:UNIQUE\s+)?INDEX|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|"
    r"CREATE\s+STATISTICS|CREATE\s+POLICY|CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE|VIEW|"
    r"RULE)|CREATE\s+PUBLICATION)\b",
    re.I,
)
_COPY_OUT = re.compile(r"^COPY\s+(\S+)\s*\(([^()]*)\)\s+TO\s+stdout\s*;?\s*$", re.I)
_LOCK = re.compile(
    r"^LOCK\s+TABLE\s.*\bIN\s+ACCESS\s+SHARE\s+MODE(?:\s+NOWAIT)?\s*;?\s*$", re.I | re.S
)
_NAME = r"[\w\"]+(?: \. [\w\"]+)*"
_VARIABLES = re.compile(rf"(?<!INSERT )(?<!MERGE )INTO (?:STRICT )?{_NAME}(?: , {_NAME})* ")
_DO = re.compile(r"^DO\b", re.I)
_PART = r"(?:\w[\w$]*|\"(?:[^\"]|\"\")+\")"
_READER = re.compile(
    rf"^CREATE (?:OR REPLACE )?(?:VIEW|FUNCTION|PROCEDURE|RULE {_PART} AS ON \w+ TO"
    rf"|POLICY {_PART} ON) (?:{_PART} \. )?({_PART}) ",
    re.I,
)
_SHOWS_ITS_OWN = re.compile(r"\bLANGUAGE plpgsql\b", re.I)
_MAKES = re.compile(r"^\s*(?:DO|CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE))\b", re.I)


@dataclass(frozen=True)
class OwnTexts:
    """What the tool's own functions run, in a form in which two texts can be compared."""

    ledger: str
    roles: frozenset[str] = frozenset()
    """Roles that may act as the owner of the tables. Everybody can write the tool's mark, but the
    tool runs as one of these."""
    bodies: tuple[str, ...] = ()

    @classmethod
    def of(cls, ledger: str, roles: Iterable[str], bodies: Iterable[str]) -> OwnTexts:
        return cls(ledger, frozenset(roles), tuple(map(_as_run, bodies)))

    def with_made(self, counts: Iterable[Count]) -> OwnTexts:
        """Also what the tool's blocks run, and its functions that are gone, by the statements that
        made them."""
        made = [
            c.text
            for c in counts
            if c.toplevel and _MAKES.match(c.text) and self.has(c.text, c.role, toplevel=True)
        ]
        found = [body for text in made for body in _dollar_quoted(text)]
        return OwnTexts(self.ledger, self.roles, (*self.bodies, *map(_as_run, found)))

    def has(self, text: str, role: str, *, toplevel: bool) -> bool:
        """Whether the tool runs this statement: its role may act as the owner, and it bears the
        tool's mark, names an object of the ledger, or is a whole statement of a function of the
        tool."""
        if role not in self.roles:
            return False
        if MARK in text or self._names_ledger(text):
            return True
        return not toplevel and self.has_body(text)

    def has_body(self, text: str) -> bool:
        """Whether it is a whole statement of a function of the tool."""
        # PL/pgSQL writes SELECT for PERFORM.
        rest = plain(text).partition(" ")[2]
        whole = re.compile(rf"{re.escape(rest)}(?: ;| THEN\b| LOOP\b|$)")
        return bool(rest) and any(rest in body and whole.search(body) for body in self.bodies)

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


def kind_of(text: str, role: str, own: OwnTexts, *, toplevel: bool, dumps: bool) -> Kind:
    """The kind of a statement. ``dumps`` says that its role locks tables as pg_dump does, as
    often as it copies them."""
    bare = without_comments(text)
    if _TRACKING.match(bare):
        return Kind.TRACKING
    if _RESET.search(bare):
        return Kind.RESET
    if own.has(text, role, toplevel=toplevel):
        return Kind.OWN
    if not toplevel and _FOREIGN_KEY.match(bare):
        return Kind.FOREIGN_KEY
    if _LOCK.match(bare) or (_COPY_OUT.match(bare) and dumps):
        return Kind.DUMP
    if _UPKEEP.match(bare) or (_DO.match(bare) and toplevel):
        return Kind.UPKEEP
    return Kind.USE


def copied_out(text: str) -> tuple[str, ...]:
    """The columns that a statement in the form of pg_dump's copies; empty for any other."""
    found = _COPY_OUT.match(without_comments(text))
    columns = found[2].split(",") if found else []
    return tuple(c.strip().strip('"').replace('""', '"') for c in columns)


def reader_made(text: str) -> str | None:
    """The folded name by which others use what the statement makes: a view, a function, or the
    table of a rule or policy. None for any other statement, and for a function whose statements
    show by themselves."""
    found = _READER.match(plain(text) + " ")
    if found is None or _SHOWS_ITS_OWN.search(text):
        return None
    return found[1].strip('"').replace('""', '"').lower()


def is_dump_lock(text: str) -> bool:
    """Whether the statement has the form in which pg_dump locks tables."""
    return bool(_LOCK.match(without_comments(text)))


def without_comments(text: str) -> str:
    """The statement without its comments, and without blanks around it."""
    tokens = SqlText(Placed.at(text), "postgres").every_token()
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
    tokens = SqlText(Placed.at(text), "postgres").every_token()
    shown = [
        "?" if t.kind in ("string", "number", "dollar") else " " if t.kind == "comment" else t.text
        for t in tokens
    ]
    return " ".join("".join(shown).split())

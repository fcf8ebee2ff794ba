"""Read from a TOML file who uses the database from outside, and how they spell its names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from membership_refactor.errors import WrongUse
from membership_refactor.planning import TableSplit
from membership_refactor.scan.parse.piece import Look


class Case(StrEnum):
    """How a consumer spells names that the plan writes in snake_case."""

    SNAKE = "snake"
    CAMEL = "camel"


def camel(name: str) -> str:
    """Spell ``start_date`` as ``startDate``."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """Spell ``wide_table`` as ``WideTable``."""
    word = camel(name)
    return word[:1].upper() + word[1:]


@dataclass(frozen=True, slots=True)
class NameMap:
    """Spellings by the plan's name. A name that is not listed follows ``case``."""

    case: Case = Case.SNAKE
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> str:
        return self.tables.get(name) or (pascal(name) if self.case is Case.CAMEL else name)

    def column(self, name: str) -> str:
        return self.columns.get(name) or (camel(name) if self.case is Case.CAMEL else name)

    def over(self, other: NameMap) -> NameMap:
        """Use these spellings, and the other's where these have none."""
        return NameMap(
            self.case if self.case is not Case.SNAKE else other.case,
            {**other.tables, **self.tables},
            {**other.columns, **self.columns},
        )


Given = TypeVar("Given", str, list[str], dict[str, str])

DIALECTS = ("postgres", "mysql", "jpql")
_GIVEN: dict[type[Any], tuple[str, ...]] = {
    str: ("owner", "through", "unaffected"),
    list: ("roles", "applications", "paths", "schemas"),
    dict: ("entities", "attributes"),
}
"""What a consumer gives as texts, lists of texts and tables of texts."""
_KINDS = {str: "a text", list: "a list of texts", dict: "a table of texts"}
_MACRO = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?:\(([^)]*)\))?\s*$")


@dataclass(frozen=True, slots=True)
class Macro:
    """A word that is replaced by text before the statement reaches the database."""

    name: str
    parameters: tuple[str, ...]
    expansion: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """A file whose text is put into the holes of other files."""

    path: Path
    hosts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """Open questions of one kind in some files, which a person answered."""

    path: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """One downstream consumer."""

    name: str
    owner: str = ""
    roles: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    exclude: Mapping[str, str] = field(default_factory=dict)
    """Pattern of paths that are not read, and why not."""
    closed: tuple[Closed, ...] = ()
    dialect: str = "postgres"
    schemas: tuple[str, ...] = ()
    names: NameMap = field(default_factory=NameMap)
    macros: tuple[Macro, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    entities: Mapping[str, str] = field(default_factory=dict)
    """Entity name of JPQL to the plan's table."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Entity attribute to the plan's column, where the name does not tell."""
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns of other tables, and of the wide table in their order."""
    through: str = ""
    """The consumer whose interface it uses instead of the database."""
    unaffected: str = ""
    """Why it was declared not to use the tables."""


DEFAULT = Consumer(name="(no consumer)")


def read_consumers(path: Path, plan: TableSplit) -> tuple[Consumer, ...]:
    """Read the consumers of a file. Raises WrongUse with the place of the first error."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WrongUse(f"There is no consumer file {path}.", hint="Give its path.") from None
    except IsADirectoryError:
        raise WrongUse(f"{path} is a directory.", hint="Give the path of a TOML file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongUse(
            f"The consumer file {path} cannot be read: {error}.", hint="Correct it and scan again."
        ) from None
    return _Reader(path, plan).consumers(document)


class _Reader:
    def __init__(self, path: Path, plan: TableSplit) -> None:
        self.path, self.plan = path, plan

    def consumers(self, document: dict[str, Any]) -> tuple[Consumer, ...]:
        self._known(document, {"names", "tables", "consumer"}, "the file")
        names = self._names(document.get("names", {}), "names")
        tables = self._tables(document.get("tables", {}), "tables")
        entries = document.get("consumer", [])
        if not isinstance(entries, list) or not entries:
            raise self._wrong("it has no [[consumer]]")
        found = tuple(self._consumer(entry, names, tables) for entry in entries)
        seen = [consumer.name for consumer in found]
        for consumer in found:
            if seen.count(consumer.name) > 1:
                raise self._wrong(f'two consumers are called "{consumer.name}"')
            if consumer.through and consumer.through not in seen:
                raise self._wrong(
                    f'consumer "{consumer.name}": through names "{consumer.through}", '
                    "which is not a consumer in this file"
                )
        return found

    def _consumer(
        self, entry: Any, names: NameMap, tables: Mapping[str, tuple[str, ...]]
    ) -> Consumer:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise self._wrong("a [[consumer]] has no name")
        where = f'consumer "{entry["name"]}"'
        self._known(entry, set(Consumer.__dataclass_fields__), where)
        dialect = self._value(entry, "dialect", where, str) or "postgres"
        dialect = {"postgresql": "postgres", "mariadb": "mysql"}.get(dialect, dialect)
        if dialect not in DIALECTS:
            raise self._wrong(f'{where}: dialect "{dialect}" is none of {", ".join(DIALECTS)}')
        own = self._names(entry.get("names", {}), where)
        given: dict[str, Any] = {
            key: self._value(entry, key, where, kind)
            for kind, keys in _GIVEN.items()
            for key in keys
        }
        given |= {key: tuple(given[key]) for key in _GIVEN[list]}
        given["paths"] = tuple(self.path.parent / path for path in given["paths"])
        return Consumer(
            name=entry["name"], dialect=dialect, names=own.over(names),
            exclude=self._reasons(entry, where),
            closed=self._closed(entry.get("closed", []), where),
            macros=self._macros(entry.get("macros", {}), where),
            fragments=self._fragments(entry.get("fragments", []), where),
            tables={**tables, **self._tables(entry.get("tables", {}), where)}, **given,
        )  # fmt: skip

    def _names(self, value: Any, where: str) -> NameMap:
        self._table(value, f"{where}: names")
        self._known(value, {"case", "tables", "columns"}, where)
        case = value.get("case", "snake")
        if case not in tuple(Case):
            raise self._wrong(f'{where}: case "{case}" is neither snake nor camel')
        tables = self._value(value, "tables", where, dict)
        columns = self._value(value, "columns", where, dict)
        plan = self.plan
        for name in set(tables) - set(plan.tables):
            raise self._wrong(f'{where}: the plan has no table "{name}"')
        for name in set(columns) - {*plan.source_columns, plan.link, plan.parent_id}:
            raise self._wrong(f'{where}: the plan has no column "{name}"')
        return NameMap(Case(case), tables, columns)

    def _macros(self, value: Any, where: str) -> tuple[Macro, ...]:
        found: dict[str, Macro] = {}
        for head, expansion in self._table(value, f"{where}: macros").items():
            match = _MACRO.match(head)
            if match is None or not isinstance(expansion, str):
                raise self._wrong(f'{where}: macro "{head}" is not NAME or NAME(x, y) = "text"')
            if match[1].lower() in found:
                raise self._wrong(f'{where}: macro "{match[1]}" is declared twice')
            parameters = tuple(p.strip() for p in (match[2] or "").split(",") if p.strip())
            found[match[1].lower()] = Macro(match[1], parameters, expansion)
        return tuple(found.values())

    def _fragments(self, value: Any, where: str) -> tuple[Fragment, ...]:
        found, root = [], self.path.parent
        for entry in self._entries(value, f"{where}: fragments", "path", "hosts"):
            if not (path := self._value(entry, "path", where, str)):
                raise self._wrong(f"{where}: a fragment has no path")
            hosts = tuple(root / host for host in self._value(entry, "hosts", where, list))
            found.append(Fragment(root / path, hosts))
        return tuple(found)

    def _reasons(self, entry: Mapping[str, Any], where: str) -> Mapping[str, str]:
        found = entry.get("exclude", {})
        if isinstance(found, list):
            raise self._wrong(
                f'{where}: exclude has no reasons. Write exclude = {{ "*/target/*" = "built from '
                'the sources" }'
            )
        reasons = self._value(entry, "exclude", where, dict)
        for pattern, reason in reasons.items():
            if not reason.strip():
                raise self._wrong(f'{where}: exclude "{pattern}" has no reason')
        return reasons

    def _closed(self, value: Any, where: str) -> tuple[Closed, ...]:
        kinds, keys = [str(look) for look in Look], ("path", "what", "reason")
        found = []
        for entry in self._entries(value, f"{where}: closed", *keys):
            texts = [self._value(entry, key, where, str).strip() for key in keys]
            if not all(texts):
                raise self._wrong(f"{where}: closed needs path, what and reason")
            if texts[1] not in kinds:
                raise self._wrong(f'{where}: closed "{texts[1]}" is none of {", ".join(kinds)}')
            found.append(Closed(*texts))
        return tuple(found)

    def _tables(self, value: Any, where: str) -> Mapping[str, tuple[str, ...]]:
        names = self._table(value, f"{where}: tables")
        return {name.lower(): tuple(self._value(value, name, where, list)) for name in names}

    def _entries(self, value: Any, what: str, *keys: str) -> Iterator[Mapping[str, Any]]:
        """Yield the tables of a list, which have no other keys."""
        for entry in value if isinstance(value, list) else [value]:
            self._known(self._table(entry, what), set(keys), what)
            yield entry

    def _table(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"{what} is not a table")
        return value

    def _value(self, entry: Mapping[str, Any], key: str, where: str, kind: type[Given]) -> Given:
        """The value of a key, which is a text, or a list or table of texts."""
        value = entry.get(key, kind())
        inside = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(isinstance(text, str) for text in inside):
            raise self._wrong(f"{where}: {key} is not {_KINDS[kind]}")
        return value

    def _known(self, entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
        for key in set(entry) - allowed:
            raise self._wrong(f'{where} does not know "{key}"')

    def _wrong(self, what: str) -> WrongUse:
        hint = "The guide to scan has a sample: docs/guides/scan.md."
        return WrongUse(f"The consumer file {self.path}: {what}.", hint=hint)

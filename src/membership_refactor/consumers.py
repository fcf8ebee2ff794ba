"""Read from a TOML file who uses the database from outside, and how they spell its names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from membership_refactor.errors import WrongUse
from membership_refactor.planning import TableSplit


class Look(StrEnum):
    """Why a person has to look at a place. A consumers file closes places by these words."""

    UNPARSED = "not parsed"
    HOLE = "hole"
    MACRO = "undeclared macro"
    FRAGMENT = "fragment"
    AMBIGUOUS = "ambiguous"
    TEXT = "text search"
    DYNAMIC = "dynamic SQL"
    SCHEMA = "another schema"
    ENTITY = "entity"
    SKIPPED = "not read"
    ENCODING = "encoding"
    DIALECT = "other dialect"


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


DIALECTS = ("postgres", "mysql", "jpql")
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

    path: Path = Path()
    hosts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """Open questions of one kind in some files, which a person answered."""

    path: str = ""
    what: str = ""
    reason: str = ""


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
    if path.is_dir() or not path.exists():
        hint = "Give the path of a TOML file."
        raise WrongUse(f"There is no consumer file {path}.", hint=hint)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongUse(
            f"The consumer file {path} cannot be read: {error}.", hint="Correct it and scan again."
        ) from None
    try:
        return tuple(_consumers(_read(_File, document, "the file", path.parent), plan))
    except _Broken as error:
        hint = "The guide to scan has a sample: docs/guides/scan.md."
        raise WrongUse(f"The consumer file {path}: {error}.", hint=hint) from None


class _Broken(Exception):
    """Raised with the place of an error in the file, and what is wrong there."""


def _refuse(holds: object, why: str) -> None:
    """Raise _Broken with what is wrong, if it holds."""
    if holds:
        raise _Broken(why)


@dataclass(frozen=True, slots=True)
class _File:
    names: NameMap = field(default_factory=NameMap)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consumer: tuple[Consumer, ...] = ()


def _read(kind: Any, value: Any, where: str, root: Path) -> Any:
    """The value as one of this type. Paths begin at the file's directory."""
    record, origin = is_dataclass(kind), get_origin(kind)
    if record or origin is Mapping:
        no_reasons = where.endswith(": exclude") and isinstance(value, list)
        example = """Write exclude = { "*/target/*" = "built from the sources" }"""
        _refuse(no_reasons, f"{where} has no reasons. {example}")
        _refuse(not isinstance(value, dict), f"{where} is not a table")
        if kind is Consumer:
            _refuse(not isinstance(value.get("name"), str), "a [[consumer]] has no name")
            where = f'consumer "{value["name"]}"'
        types = get_type_hints(kind) if record else dict.fromkeys(value, get_args(kind)[1])
        for key in value.keys() - types.keys():
            raise _Broken(f'{where} does not know "{key}"')
        given = {k: _read(types[k], own, f"{where}: {k}", root) for k, own in value.items()}
        return kind(**given) if record else given
    if origin is tuple:
        (of, _) = get_args(kind)
        if of is Macro:
            return tuple(_macros(_read(Mapping[str, str], value, where, root), where))
        items = [value] if isinstance(value, dict) else value  # the only one
        _refuse(not isinstance(items, list), f"{where} is not a list")
        return tuple(_read(of, item, f"an item of {where}", root) for item in items)
    _refuse(not isinstance(value, str), f"{where} is not a text")
    unknown = kind is Case and value not in tuple(Case)
    _refuse(unknown, f'{where} "{value}" is neither snake nor camel')
    return root / value if kind is Path else kind(value)


def _macros(given: Mapping[str, str], where: str) -> Iterator[Macro]:
    seen: set[str] = set()
    for head, expansion in given.items():
        match = _MACRO.match(head)
        if match is None:
            raise _Broken(f'{where}: macro "{head}" is not NAME or NAME(x, y) = "text"')
        _refuse(match[1].lower() in seen, f'{where}: macro "{match[1]}" is declared twice')
        seen.add(match[1].lower())
        parameters = tuple(p.strip() for p in (match[2] or "").split(",") if p.strip())
        yield Macro(match[1], parameters, expansion)


def _consumers(file: _File, plan: TableSplit) -> Iterator[Consumer]:
    _refuse(not file.consumer, "it has no [[consumer]]")
    _check_names(file.names, plan, "names")
    seen = [consumer.name for consumer in file.consumer]
    for given in file.consumer:
        where, through = f'consumer "{given.name}"', given.through
        _refuse(seen.count(given.name) > 1, f'two consumers are called "{given.name}"')
        nobody = f'{where}: through names "{through}", which is not a consumer in this file'
        _refuse(through and through not in seen, nobody)
        dialect = {"postgresql": "postgres", "mariadb": "mysql"}.get(given.dialect, given.dialect)
        unknown = f'{where}: dialect "{dialect}" is none of {", ".join(DIALECTS)}'
        _refuse(dialect not in DIALECTS, unknown)
        _check_names(given.names, plan, where)
        for pattern, reason in given.exclude.items():
            _refuse(not reason.strip(), f'{where}: exclude "{pattern}" has no reason')
        for closed in given.closed:
            whole = closed.path.strip() and closed.what.strip() and closed.reason.strip()
            _refuse(not whole, f"{where}: closed needs path, what and reason")
            unknown = f'{where}: closed "{closed.what}" is none of {", ".join(Look)}'
            _refuse(closed.what not in tuple(Look), unknown)
        pathless = any(fragment.path == Path() for fragment in given.fragments)
        _refuse(pathless, f"{where}: a fragment has no path")
        tables = {name.lower(): own for name, own in {**file.tables, **given.tables}.items()}
        yield replace(given, dialect=dialect, names=given.names.over(file.names), tables=tables)


def _check_names(names: NameMap, plan: TableSplit, where: str) -> None:
    for name in names.tables.keys() - {*plan.tables}:
        raise _Broken(f'{where}: the plan has no table "{name}"')
    for name in names.columns.keys() - {*plan.source_columns, plan.link, plan.parent_id}:
        raise _Broken(f'{where}: the plan has no column "{name}"')

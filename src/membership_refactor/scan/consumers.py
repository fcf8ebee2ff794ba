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
    try:
        return _consumers(_read(_File, document, "the file", path.parent), path.parent, plan)
    except _Broken as error:
        hint = "The guide to scan has a sample: docs/guides/scan.md."
        raise WrongUse(f"The consumer file {path}: {error}.", hint=hint) from None


class _Broken(Exception):
    """Raised with the place of an error in the file, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class _File:
    names: NameMap = field(default_factory=NameMap)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consumer: tuple[Any, ...] = ()


def _read(kind: Any, value: Any, where: str, root: Path) -> Any:
    """The value as one of this type. Paths begin at the file's directory."""
    record = is_dataclass(kind)
    if record or get_origin(kind) is Mapping:
        if not isinstance(value, dict):
            raise _Broken(f"{where} is not a table")
        types = get_type_hints(kind) if record else dict.fromkeys(value, get_args(kind)[1])
        for key in value.keys() - types.keys():
            raise _Broken(f'{where} does not know "{key}"')
        given = {k: _read(types[k], own, f"{where}: {k}", root) for k, own in value.items()}
        return kind(**given) if record else given
    if get_origin(kind) is tuple:
        items = [value] if isinstance(value, dict) else value  # the only one
        if not isinstance(items, list):
            raise _Broken(f"{where} is not a list")
        return tuple(_read(get_args(kind)[0], item, f"an item of {where}", root) for item in items)
    if kind is Any:
        return value
    if not isinstance(value, str):
        raise _Broken(f"{where} is not a text")
    if kind is Case and value not in tuple(Case):
        raise _Broken(f'{where} "{value}" is neither snake nor camel')
    return root / value if kind is Path else kind(value)


def _consumers(file: _File, root: Path, plan: TableSplit) -> tuple[Consumer, ...]:
    if not file.consumer:
        raise _Broken("it has no [[consumer]]")
    _check_names(file.names, plan, "names")
    found = tuple(_consumer(entry, file, root, plan) for entry in file.consumer)
    seen = [consumer.name for consumer in found]
    for consumer in found:
        if seen.count(consumer.name) > 1:
            raise _Broken(f'two consumers are called "{consumer.name}"')
        if consumer.through and consumer.through not in seen:
            raise _Broken(
                f'consumer "{consumer.name}": through names "{consumer.through}", which is not a '
                "consumer in this file"
            )
    return found


def _consumer(entry: Any, file: _File, root: Path, plan: TableSplit) -> Consumer:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise _Broken("a [[consumer]] has no name")
    where = f'consumer "{entry["name"]}"'
    if isinstance(entry.get("exclude"), list):
        raise _Broken(
            f'{where}: exclude has no reasons. Write exclude = {{ "*/target/*" = "built from the '
            'sources" }'
        )
    macros = _read(Mapping[str, str], entry.get("macros", {}), f"{where}: macros", root)
    given: Consumer = _read(Consumer, {**entry, "macros": []}, where, root)
    dialect = {"postgresql": "postgres", "mariadb": "mysql"}.get(given.dialect, given.dialect)
    if dialect not in DIALECTS:
        raise _Broken(f'{where}: dialect "{dialect}" is none of {", ".join(DIALECTS)}')
    _check_names(given.names, plan, where)
    for pattern, reason in given.exclude.items():
        if not reason.strip():
            raise _Broken(f'{where}: exclude "{pattern}" has no reason')
    for closed in given.closed:
        if not (closed.path.strip() and closed.what.strip() and closed.reason.strip()):
            raise _Broken(f"{where}: closed needs path, what and reason")
        if closed.what not in tuple(Look):
            raise _Broken(f'{where}: closed "{closed.what}" is none of {", ".join(Look)}')
    if any(fragment.path == Path() for fragment in given.fragments):
        raise _Broken(f"{where}: a fragment has no path")
    tables = {**file.tables, **given.tables}
    return replace(
        given, dialect=dialect, names=given.names.over(file.names),
        macros=tuple(_macros(macros, where)),
        tables={name.lower(): columns for name, columns in tables.items()},
    )  # fmt: skip


def _check_names(names: NameMap, plan: TableSplit, where: str) -> None:
    for name in names.tables.keys() - {*plan.tables}:
        raise _Broken(f'{where}: the plan has no table "{name}"')
    for name in names.columns.keys() - {*plan.source_columns, plan.link, plan.parent_id}:
        raise _Broken(f'{where}: the plan has no column "{name}"')


def _macros(given: Mapping[str, str], where: str) -> Iterator[Macro]:
    seen: set[str] = set()
    for head, expansion in given.items():
        match = _MACRO.match(head)
        if match is None:
            raise _Broken(f'{where}: macro "{head}" is not NAME or NAME(x, y) = "text"')
        if match[1].lower() in seen:
            raise _Broken(f'{where}: macro "{match[1]}" is declared twice')
        seen.add(match[1].lower())
        parameters = tuple(p.strip() for p in (match[2] or "").split(",") if p.strip())
        yield Macro(match[1], parameters, expansion)

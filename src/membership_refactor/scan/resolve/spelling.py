"""Spell the plan's names as a consumer does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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

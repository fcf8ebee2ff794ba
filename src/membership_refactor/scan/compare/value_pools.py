"""Choose the values of compared columns, and make rows of the tables outside the plan."""

from __future__ import annotations

import datetime as dt
import operator
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from membership_refactor.scan.compare.needs import Cell, Group, Needs, Row
from membership_refactor.sql import quoting

_MANY = 9
_COMPARISONS = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pool:
    """The value under which most conditions are true, and others worth trying."""

    good: Any
    others: tuple[Any, ...]

    @property
    def every(self) -> tuple[Any, ...]:
        return (self.good, *self.others)


_KINDS = (
    (("bigint", "integer", "smallint", "int"), "int"),
    (("numeric", "double", "real", "decimal"), "number"),
    (("timestamp",), "time"),
    (("date",), "date"),
    (("bool",), "boolean"),
    (("uuid",), "uuid"),
)


def kind_of(type_: str) -> str:
    """The kind of a type: int, number, date, time, boolean, uuid or text."""
    return next((kind for names, kind in _KINDS if type_.lower().startswith(names)), "text")


def pool(group: Group, type_: str, *, seed: int, wide: bool = False) -> Pool:
    """Choose values for a group. ``wide`` gives more, for columns that lead to other tables."""
    kind = kind_of(type_)
    literals = [as_kind(kind, value) for _, value in group.conditions if value is not None]
    literals = [value for value in literals if value is not None]
    candidates = [near for value in literals for near in _around(kind, value)]
    if group.operators & {"<", "<=", ">", ">="} and kind in ("date", "time"):
        candidates += _around(kind, as_kind(kind, dt.date.today()))
    candidates += fresh(kind, seed, _MANY if wide else 4)
    if kind == "text":
        candidates.append("")  # beside NULL, for which forms may take it
    candidates = list(dict.fromkeys(candidates))
    best = max(candidates, key=lambda v: (score(group, kind, v), -candidates.index(v)))
    good = None if any(op == "null" for op, _ in group.conditions) and not literals else best
    rest = [value for value in candidates if value != best]
    if good is None:
        rest.insert(0, best)
    return Pool(good, tuple(rest))


def sentinels(kind: str, good: Any) -> list[Any]:
    """Values that show a wrong comparison of missing values."""
    text = str(good or "x")
    values: dict[str, list[Any]] = {
        "text": ["", text.swapcase(), text + " "],
        "int": [0, -1],
        "date": [dt.date(1800, 1, 1), dt.date(1900, 1, 1)],
        "time": [dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1800, 1900)],
    }
    return values.get(kind, [])


def meeting(sign: str, good: Any, type_: str) -> list[Any]:
    """Values to compare with: first one under which the good value meets the condition."""
    kind = kind_of(type_)
    if good is None or kind not in ("int", "number", "date", "time"):
        return [good]
    same, above, below = _around(kind, good)[:3]
    return {
        ">": [below, same, above], ">=": [same, below, above],
        "<": [above, same, below], "<=": [same, above, below],
    }.get(sign, [same])  # fmt: skip


def _around(kind: str, value: Any) -> list[Any]:
    if kind in ("int", "number"):
        return [value, value + 1, value - 1, *([value + 0.5] if kind == "number" else [])]
    if kind in ("date", "time"):
        return [value, value + _DAY, value - _DAY]
    if kind == "text":
        plain = value.replace("%", "").replace("_", "u")
        return [value, plain, plain + "x", plain.swapcase(), plain[:-1]]
    return [value]


_DAY = dt.timedelta(days=1)
_DECADE = dt.date(2019, 12, 31)
"""The last day of a decade, of a year of ISO that began before, and in the year before a leap."""
_LATE = dt.time(23, 30, tzinfo=dt.UTC)
_FRESH: dict[str, Callable[[int, int], Any]] = {
    "int": lambda shift, n: 1001 + shift + n,
    "number": lambda shift, n: 100.25 + shift + n,
    "date": lambda shift, n: _last_day(2015 + shift, 2 * n) if n else _DECADE,
    "time": lambda shift, n: dt.datetime.combine(_last_day(2015 + shift, 2 * n), _LATE),
    "uuid": lambda shift, n: f"00000000-0000-8000-8000-{1000 + shift + n:012d}",
    "text": lambda shift, n: f"{'abcdefghijklm'[(n + shift) % 13]}lpha{n}",
}


def _last_day(year: int, months: int) -> dt.date:
    """The last day so many months after the year: a step later, functions of a date differ."""
    return dt.date(year + 1 + months // 12, months % 12 + 1, 1) - _DAY


def fresh(kind: str, seed: int, count: int) -> list[Any]:
    """Make values that no statement asks for."""
    if kind == "boolean":
        return [True, False]
    return [_FRESH[kind](seed % 7, number) for number in range(count)]


def unlike(kind: str, column: str, number: int) -> Any:
    """Make the value of a number: other numbers give other values, except of booleans.

    Texts have letters of both cases, some have blanks around or letters of several bytes, and some
    numbers are negative: otherwise lower(), trim(), octet_length() and abs() would change nothing.
    Dates are the first and last two days of months.
    """
    if kind == "date":
        return _last_day(2030, number + number // 16) + (number // 3 % 4 - 1) * _DAY
    if kind == "time":
        return dt.datetime(2021, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    if kind == "boolean":
        return bool(number % 2)
    if kind == "uuid":
        return f"00000000-0000-8000-9000-{number:012d}"
    if kind in ("int", "number"):
        return 70000 + number if number % 5 else -70000 - number
    mixed = column[:2] + column[2:6].upper() + "\u00e9" * (number % 4 == 1)
    return f"{' ' * (number % 3 == 1)}{mixed} {number}{' ' * (number % 3 == 2)}"


def later(value: Any, step: int) -> Any:
    """The value that is so many days later, or that much larger."""
    return value + (dt.timedelta(days=step) if isinstance(value, dt.date) else step)


def as_kind(kind: str, value: Any) -> Any:
    """The value as one of the kind. None where it is not one."""
    if isinstance(value, Decimal):
        value = float(value)
    if kind == "text":
        return str(value) if not isinstance(value, bool) else None
    if kind in ("date", "time") and not isinstance(value, dt.date):
        return None
    if kind == "date":
        return value.date() if isinstance(value, dt.datetime) else value
    if kind == "time" and isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    if kind == "time":
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if kind == "boolean":
        return bool(value) if isinstance(value, (bool, int)) else None
    if kind in ("int", "number"):
        try:
            return int(value) if kind == "int" else float(value)
        except (TypeError, ValueError):
            return None
    return str(value) if kind == "uuid" and isinstance(value, str) else None


def score(group: Group, kind: str, value: Any) -> int:
    """How many of the conditions hold for the value."""
    if value is None:
        return sum(sign == "null" for sign, _ in group.conditions)
    met = 0
    for sign, raw in group.conditions:
        other = as_kind(kind, raw) if raw is not None else None
        met += sign == "not null" or (other is not None and _holds(value, sign, other))
    return met


def _holds(value: Any, sign: str, other: Any) -> bool:
    if sign == "like":
        return str(value) == str(other).replace("%", "").replace("_", "u")
    compare = _COMPARISONS.get(sign)
    return compare is not None and bool(compare(value, other))


def literal(value: Any, type_: str) -> str:
    """The value as a typed SQL literal. A list is one of an array type."""
    if isinstance(value, list):
        items = ", ".join(literal(item, type_.removesuffix("[]")) for item in value)
        return f"CAST(ARRAY[{items}] AS {type_})"
    if value is None:
        return f"CAST(NULL AS {type_})"
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    return f"CAST({quoting.literal(text)} AS {type_})"


_FIRST = 20_000
"""Numbers from here on give values that no row of the plan's tables has."""


def foreign_rows(
    needs: Needs, pool: Callable[[Cell, str], Pool], source: random.Random
) -> dict[str, list[Row]]:
    """Make rows of every table that the statement reads beside the plan's."""
    return {
        table: _Table(table, columns, needs, pool, source).rows()
        for table, columns in needs.foreign.items()
        if columns
    }


class _Table:
    def __init__(
        self, table: str, columns: dict[str, str], needs: Needs,
        pool: Callable[[Cell, str], Pool], source: random.Random,
    ) -> None:  # fmt: skip
        self.columns, self.random = columns, source
        self.pools = {name: pool((table, name), type_) for name, type_ in columns.items()}
        self.key = next((name for name in ("id", "uuid") if name in columns), "")
        self.asked = [name for name in columns if (table, name) in needs.groups]

    def rows(self) -> list[Row]:
        """A base row, one row for each other value asked for, and some at random."""
        pools = self.pools
        base = self._named({name: pools[name].good for name in self.asked}, 0)
        rows = [base]
        for name in self.asked:
            others = (*pools[name].others[:8], None) if name != self.key else ()
            rows += [{**base, name: value} for value in others]
        for number in range(6):
            drawn = {n: self.random.choice((*p.every[:6], p.good)) for n, p in pools.items()}
            rows.append(drawn if number % 2 else dict(base))
        if not self.key:
            return [self._named(row, number) for number, row in enumerate(rows)]
        # A primary key is never missing, and the first rows have the keys that others refer to.
        good = pools[self.key].good
        keys = [key for key in pools[self.key].every if key is not None]
        self.random.shuffle(keys)
        keys = [*([good] if good in keys else []), *(key for key in keys if key != good)]
        rows += [dict(base) for _ in keys[len(rows) :]]
        for number, row in enumerate(rows):
            row[self.key] = keys[number] if number < len(keys) else self._value(self.key, number)
        return [self._named(row, number) for number, row in enumerate(rows)]

    def _named(self, row: Row, number: int) -> Row:
        """Give the columns that nothing asks for values of their own."""
        free = {
            name: self._value(name, number)
            for name in self.columns
            if name not in self.asked and name != self.key
        }
        return {**{name: row.get(name) for name in self.columns}, **free}

    def _value(self, name: str, number: int) -> object:
        return unlike(kind_of(self.columns[name]), name, _FIRST + number)

"""Choose the values that a group of compared columns should hold."""

from __future__ import annotations

import datetime as dt
import operator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from membership_refactor.scan.compare.needs import Group

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
    candidates: list[Any] = []
    for value in literals:
        candidates += _around(kind, value)
    if group.operators & {"<", "<=", ">", ">="} and kind in ("date", "time"):
        today = dt.date.today()
        candidates += _around(kind, as_kind(kind, today))
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
        ">": [below, same, above],
        ">=": [same, below, above],
        "<": [above, same, below],
        "<=": [same, above, below],
    }.get(sign, [same])


def _around(kind: str, value: Any) -> list[Any]:
    if kind == "int":
        return [value, value + 1, value - 1]
    if kind == "number":
        return [value, value + 1, value - 1, value + 0.5]
    if kind in ("date", "time"):
        day = dt.timedelta(days=1)
        return [value, value + day, value - day]
    if kind == "text":
        plain = value.replace("%", "").replace("_", "u")
        return [value, plain, plain + "x", plain.swapcase(), plain[:-1]]
    return [value]


def fresh(kind: str, seed: int, count: int) -> list[Any]:
    """Make values that no statement asks for."""
    shift = seed % 7
    if kind == "int":
        return [1001 + shift + n for n in range(count)]
    if kind == "number":
        return [100.25 + shift + n for n in range(count)]
    if kind == "date":
        return [dt.date(2015, 3, 1 + shift) + dt.timedelta(days=97 * n) for n in range(count)]
    if kind == "time":
        return [
            dt.datetime(2016, 5, 1 + shift, 12, tzinfo=dt.UTC) + dt.timedelta(days=31 * n)
            for n in range(count)
        ]
    if kind == "boolean":
        return [True, False]
    if kind == "uuid":
        return [f"00000000-0000-8000-8000-{1000 + shift + n:012d}" for n in range(count)]
    return [f"{'abcdefghijklm'[(n + shift) % 13]}lpha{n}" for n in range(count)]


def unlike(kind: str, column: str, number: int) -> Any:
    """Make the value of a number: other numbers give other values, except of booleans.

    Texts have letters of both cases and some have blanks around, and some numbers are negative:
    otherwise lower(), trim() and abs() would change nothing.
    """
    if kind == "date":
        return dt.date(2031, 1, 1) + dt.timedelta(days=number)
    if kind == "time":
        return dt.datetime(2021, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    if kind == "boolean":
        return bool(number % 2)
    if kind == "uuid":
        return f"00000000-0000-8000-9000-{number:012d}"
    if kind in ("int", "number"):
        return 70000 + number if number % 5 else -70000 - number
    mixed = column[:2] + column[2:6].upper()
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
    if kind == "date":
        value = value.date() if isinstance(value, dt.datetime) else value
        return value if isinstance(value, dt.date) else None
    if kind == "time":
        if isinstance(value, dt.datetime):
            return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
        if isinstance(value, dt.date):
            return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
        return None
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
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (dt.datetime, dt.date)):
        text = value.isoformat()
    else:
        text = str(value)
    return "CAST('" + text.replace("'", "''") + f"' AS {type_})"

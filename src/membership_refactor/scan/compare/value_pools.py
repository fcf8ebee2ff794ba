"""Choose the values that a group of compared columns should hold."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from membership_refactor.scan.compare.needs import Group

SENTINEL_DATE = dt.date(1800, 1, 1)
_MANY = 9


@dataclass(frozen=True, slots=True)
class Pool:
    """The value under which most conditions are true, and others worth trying."""

    good: Any
    others: tuple[Any, ...]

    @property
    def every(self) -> tuple[Any, ...]:
        return (self.good, *self.others)


def kind_of(type_: str) -> str:
    """The kind of a type: int, number, date, time, boolean, uuid or text."""
    name = type_.lower()
    if name.startswith(("bigint", "integer", "smallint", "int")):
        return "int"
    if name.startswith(("numeric", "double", "real", "decimal")):
        return "number"
    if name.startswith("timestamp"):
        return "time"
    if name.startswith("date"):
        return "date"
    if name.startswith("bool"):
        return "boolean"
    return "uuid" if name.startswith("uuid") else "text"


def pool(group: Group, type_: str, *, seed: int, wide: bool = False) -> Pool:
    """Choose values for a group. ``wide`` gives more, for columns that lead to other tables."""
    kind = kind_of(type_)
    literals = [_as(kind, value) for _, value in group.conditions if value is not None]
    literals = [value for value in literals if value is not None]
    candidates: list[Any] = []
    for value in literals:
        candidates += _around(kind, value)
    if group.operators & {"<", "<=", ">", ">="} and kind in ("date", "time"):
        today = dt.date.today()
        candidates += _around(kind, _as(kind, today))
    candidates += fresh(kind, seed, _MANY if wide else 4)
    candidates = list(dict.fromkeys(candidates))
    best = max(candidates, key=lambda v: (score(group, kind, v), -candidates.index(v)))
    good = None if any(op == "null" for op, _ in group.conditions) and not literals else best
    rest = [value for value in candidates if value != best]
    if good is None:
        rest.insert(0, best)
    return Pool(good, tuple(rest))


def sentinels(kind: str, good: Any) -> list[Any]:
    """Values that show a wrong comparison of missing values."""
    if kind == "text":
        text = str(good or "x")
        return ["", text.swapcase(), text + " "]
    if kind == "int":
        return [0, -1]
    if kind == "date":
        return [SENTINEL_DATE]
    if kind == "time":
        return [dt.datetime(1800, 1, 1, tzinfo=dt.UTC)]
    return []


def meeting(operator: str, good: Any, type_: str) -> list[Any]:
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
    }.get(operator, [same])


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
        return (
            [value, plain, plain + "x", plain.swapcase()]
            if plain != value
            else [value, value + "x", value.swapcase()]
        )
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
    """Make the value of a number: other numbers give other values, except of booleans."""
    if kind == "date":
        return dt.date(2031, 1, 1) + dt.timedelta(days=number)
    if kind == "time":
        return dt.datetime(2021, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    if kind == "boolean":
        return bool(number % 2)
    if kind == "uuid":
        return f"00000000-0000-8000-9000-{number:012d}"
    return 70000 + number if kind in ("int", "number") else f"{column[:6]} {number}"


def _as(kind: str, value: Any) -> Any:
    """The literal as a value of the kind. None where it is not one."""
    if kind == "text":
        return str(value) if not isinstance(value, bool) else None
    if kind == "date":
        return value if isinstance(value, dt.date) else None
    if kind == "time":
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
        return sum(operator == "null" for operator, _ in group.conditions)
    score = 0
    for operator, raw in group.conditions:
        if operator == "not null":
            score += 1
            continue
        other = _as(kind, raw) if raw is not None else None
        if other is None:
            continue
        score += _holds(value, operator, other)
    return score


def _holds(value: Any, operator: str, other: Any) -> bool:
    if operator == "=":
        return bool(value == other)
    if operator == "<>":
        return bool(value != other)
    if operator == "like":
        return bool(str(value) == str(other).replace("%", "").replace("_", "u"))
    return bool({"<": value < other, "<=": value <= other, ">": value > other,
                 ">=": value >= other}.get(operator, False))  # fmt: skip


def literal(value: Any, type_: str) -> str:
    """The value as a typed SQL literal."""
    if value is None:
        return f"CAST(NULL AS {type_})"
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (dt.datetime, dt.date)):
        text = value.isoformat()
    else:
        text = str(value)
    return "CAST('" + text.replace("'", "''") + f"' AS {type_})"

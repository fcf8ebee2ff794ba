"""The values of each kind of type: how they are read, what lies beside them, which are tried."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from membership_refactor.scan.compare.needs import Group
from membership_refactor.sql import quoting

_DAY = dt.timedelta(days=1)
_DECADE = dt.date(2019, 12, 31)
"""The last day of a decade, of a year of ISO that began before, and in the year before a leap."""
_FRESH = 40_000
"""Numbers from here on give values that no statement asks for."""
_HOURS = dt.time(23, 30, tzinfo=dt.UTC), dt.time(tzinfo=dt.UTC)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "like": lambda value, pattern: value == _like(pattern),
}  # fmt: skip


class Pool(NamedTuple):
    """The value under which most conditions are true, and others worth trying."""

    good: Any
    others: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the values of some types have in common."""

    name: str
    types: tuple[str, ...] = ()
    """How the names of the types begin."""
    read: Callable[[Any], Any]
    """Gives a value as one of the kind: None, a ValueError or a TypeError where it is none."""
    unlike: Callable[[str, int], Any]
    """Gives the value of a column by a number. Other numbers give others, except of booleans."""
    steps: tuple[Any, ...] = ()
    """From a value to its neighbours, above and below first."""
    sentinels: tuple[Any, ...] = ()
    """Values that people take for a missing one, the usual one first, and for arithmetic."""
    telling: tuple[Any, ...] = ()
    """Values in which functions of the kind differ."""

    def of(self, value: Any) -> Any:
        """The value as one of the kind. None where it is not one."""
        try:
            return self.read(value)
        except (TypeError, ValueError, OverflowError):
            return None

    def those_of(self, values: Iterable[Any]) -> list[Any]:
        """Those of the values that are of the kind."""
        found = (self.of(value) for value in values if value is not None)
        return [value for value in found if value is not None]

    def around(self, value: Any) -> list[Any]:
        """The value and its neighbours."""
        if self.name != "text":
            return [value, *(value + step for step in self.steps)]
        plain = _like(value)
        return [value, plain, f"{plain}x", plain.swapcase(), plain[:-1]]

    def confused(self, good: Any) -> list[Any]:
        """Values that a wrong comparison takes for the good one, or for a missing one."""
        text = str(good or "x")
        return [*self.sentinels, *([text.swapcase(), f"{text} "] if self.name == "text" else [])]

    def pool(self, group: Group, *, seed: int, count: int) -> Pool:
        """Choose values for a group. So many of them are such that no statement asks for them."""
        literals = self.those_of(value for _, value in group.conditions)
        gap = not literals and any(sign == "null" for sign, _ in group.conditions)
        asked = (*literals, *self.those_of(group.added))
        near = [value for literal in asked for value in self.around(literal)]
        fresh = [self.unlike("fresh", _FRESH + seed % 7 + number) for number in range(count)]
        candidates = list(dict.fromkeys([*near, *self.telling, *fresh]))
        best = max(candidates, key=lambda value: self.score(group, value))
        rest = (value for value in candidates if value != best)
        return Pool(None, (best, *rest)) if gap else Pool(best, tuple(rest))

    def score(self, group: Group, value: Any) -> int:
        """How many of the conditions hold for the value."""
        met = 0
        for sign, raw in group.conditions:
            other = self.of(raw) if raw is not None else None
            if value is None or other is None:
                met += sign == ("null" if value is None else "not null")
            else:
                met += bool(_COMPARISONS[sign](value, other))
        return met

    def meeting(self, sign: str, good: Any) -> list[Any]:
        """Values to compare with: first one under which the good value meets the condition."""
        if good is None or not self.steps:
            return [good]
        return sorted(self.around(good)[:3], key=lambda other: not _COMPARISONS[sign](good, other))


def _like(pattern: str) -> str:
    """A text that the pattern of LIKE matches."""
    return pattern.replace("%", "").replace("_", "u")


def _last_day(year: int, months: int) -> dt.date:
    """The last day so many months after the year: a step later, functions of a date differ."""
    return dt.date(year + 1 + months // 12, months % 12 + 1, 1) - _DAY


def _time(value: Any) -> dt.datetime:
    made = dt.datetime.fromisoformat(str(value))
    return made if made.tzinfo is not None else made.replace(tzinfo=dt.UTC)


def _date_unlike(_: str, number: int) -> dt.date:
    """One of the first and last two days of a month."""
    return _last_day(2030, number + number // 16) + (number // 3 % 4 - 1) * _DAY


def _number_unlike(_: str, number: int) -> int:
    """A number that is sometimes negative: otherwise abs() would change nothing."""
    return 70000 + number if number % 5 else -70000 - number


def _text_unlike(column: str, number: int) -> str:
    """A text of letters of both cases, some with blanks around or with letters of several bytes:
    otherwise lower(), trim() and octet_length() would change nothing."""
    mixed = column[:2] + column[2:6].upper() + "\u00e9" * (number % 4 == 1)
    text = f"{' ' * (number % 3 == 1)}{mixed} {number}{' ' * (number % 3 == 2)}"
    return text.swapcase() if number % 2 else text  # the order depends on the collation


_OLD_DAYS = dt.date(1900, 1, 1), dt.date(1800, 1, 1)
_DAYS = (_DECADE, *(dt.date.today() + step * _DAY for step in (0, 1, -1)))
DATE = Kind(
    name="date", types=("date",), read=lambda value: dt.date.fromisoformat(str(value)[:10]),
    unlike=_date_unlike, steps=(_DAY, -_DAY), sentinels=_OLD_DAYS, telling=_DAYS,
)  # fmt: skip
_TEXT = Kind(
    name="text", read=lambda value: None if isinstance(value, bool) else str(value),
    unlike=_text_unlike, sentinels=("",), telling=("alpha", ""),
)  # fmt: skip
_KINDS = (
    Kind(
        name="int", types=("bigint", "integer", "smallint", "int"), read=int,
        unlike=_number_unlike, steps=(1, -1), sentinels=(0, -1, 1, 2, 7),
    ),
    Kind(
        name="number", types=("numeric", "double", "real", "decimal"), read=float,
        unlike=_number_unlike, steps=(1, -1, 0.5), sentinels=(0, 1, 2, 7),
    ),
    Kind(
        name="time", types=("timestamp",), read=_time, steps=(_DAY, -_DAY, _DAY / 2),
        unlike=lambda _, n: dt.datetime(2021, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=n),
        sentinels=tuple(map(_time, _OLD_DAYS)),
        telling=tuple(dt.datetime.combine(day, hour) for day in _DAYS for hour in _HOURS),
    ),
    DATE,
    Kind(
        name="boolean", types=("bool",), unlike=lambda _, n: n % 2 == 1,
        read=lambda value: bool(value) if isinstance(value, int) else None,
    ),
    Kind(
        name="uuid", types=("uuid",), read=lambda value: value if isinstance(value, str) else None,
        unlike=lambda _, n: f"00000000-0000-8000-9000-{n:012d}",
    ),
)  # fmt: skip


def kind_of(type_: str) -> Kind:
    """The kind of a type. Values of a type that is not known are texts."""
    return next((kind for kind in _KINDS if type_.lower().startswith(kind.types)), _TEXT)


def later(value: Any, step: int) -> Any:
    """The value that is so many days later, or that much larger."""
    return value + (dt.timedelta(days=step) if isinstance(value, dt.date) else step)


def literal(value: Any, type_: str) -> str:
    """The value as a typed SQL literal. A list is one of an array type."""
    if isinstance(value, list):
        items = ", ".join(literal(item, type_.removesuffix("[]")) for item in value)
        return f"CAST(ARRAY[{items}] AS {type_})"
    if value is None:
        return f"CAST(NULL AS {type_})"
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    return f"CAST({quoting.literal(text)} AS {type_})"

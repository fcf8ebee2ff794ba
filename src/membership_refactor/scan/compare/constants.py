"""The values of constants that a statement compares columns with."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_INVERSES: dict[type[Any], type[Any]] = {
    exp.Add: exp.Sub, exp.Sub: exp.Add, exp.DateAdd: exp.DateSub, exp.DateSub: exp.DateAdd,
}  # fmt: skip
_AROUND_LITERALS = (
    exp.Paren, exp.Cast, exp.TsOrDsToDate, exp.Date, exp.StrToDate, exp.Upper, exp.Lower,
)  # fmt: skip
PYTHON_TYPES = {
    bool: "boolean", dt.date: "date", int: "bigint", float: "numeric", str: "text",
    dt.datetime: "timestamp with time zone",
}  # fmt: skip

Evaluate = Callable[[str], Any]
"""Gives the value of an expression without columns, or None."""


def alone(left: Any, right: Any) -> tuple[Any, Any]:
    """Bring constants to the right: ``a + 30 > b`` asks the same as ``a > b - 30``."""
    while type(left) in _INVERSES and left.this.find(exp.Column):
        if left.expression.find(exp.Column, exp.Placeholder, exp.Query) is not None:
            break
        moved = {key: value for key, value in left.args.items() if key != "this"}
        right = _INVERSES[type(left)](this=exp.Paren(this=right.copy()), **moved)
        left = left.this.unnest()
    return left, right


def known_value(node: Any, evaluate: Evaluate) -> Any:
    """The value of a literal, or of an expression that the database can compute."""
    value = literal_value(node)
    if value is not None or node.find(exp.Column, exp.Placeholder, exp.Parameter, exp.Query):
        return value
    value = _plain(evaluate(node.sql(dialect="postgres")))
    if isinstance(value, dt.datetime) and value.tzinfo is None and value.time() == dt.time():
        value = value.date()
    return value if type(value) in PYTHON_TYPES else None


def literal_value(node: Any) -> Any:
    """The value of a literal, dates as dates. None for anything else."""
    while isinstance(node, _AROUND_LITERALS):
        node = node.this
    if not isinstance(node, (exp.Literal, exp.Neg, exp.Boolean)):
        return None
    try:
        value = _plain(node.to_py())
    except ValueError:
        return None
    if isinstance(value, str) and _DATE.match(value):
        try:
            return dt.date.fromisoformat(value[:10])
        except ValueError:
            return value
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == int(value) else float(value)
    return value

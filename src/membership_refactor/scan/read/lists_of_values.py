"""Expressions of a program that put values between commas: no table's name is among them."""

from __future__ import annotations

import re
from functools import lru_cache

_LIST = re.compile(
    r"""\btuple\(|\bstr_repeat\b|["'`][\s%s?:]*,\s*["'`]\s*\*|join(?:ToString)?\(\)"""
    r"""|["'`]\s?,\s?["'`]\s*\.\s*join\b|(?:[jJ]oin\w*|implode|mkString)\([^"'`]*["'`]\s?,\s?["'`]"""
)
_GIVEN = re.compile(r"(?<![\w.])([A-Za-z_]\w*)[ \t]*(?::?=|<-)(?![=~>])([^\n]{1,200})")


def is_list_of_values(code: str) -> bool:
    """Whether the expression puts values between commas."""
    return _LIST.search(code) is not None


@lru_cache(maxsize=1)
def names_of_lists(code: str) -> set[str]:
    """The names to which the program gives nothing but such expressions. It is asked for each
    expression of one program after the other."""
    given = [(m[1], is_list_of_values(m[2])) for m in _GIVEN.finditer(code)]
    return {name for name, _ in given} - {name for name, listed in given if not listed}

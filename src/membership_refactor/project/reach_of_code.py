"""Which functions of a project can call a verb, told by the names in their code."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

LIBRARIES = frozenset({"alembic", "sqlalchemy"})


@dataclass
class Reach:
    """What was found, so that no function is looked at twice."""

    verbs: Mapping[int, str]
    """By identity of the function: the step."""
    known: dict[CodeType, bool] = field(default_factory=dict)

    def of(self, code: CodeType, names: Mapping[str, Any]) -> bool:
        """Whether the code names a verb, or a function of the project that does. Most of the
        revisions of a project do not, and are not read."""
        if code not in self.known:
            self.known[code] = False
            words = set(_words(code))
            self.known[code] = (
                not words.isdisjoint(self.verbs.values())
                or any(id(names.get(word)) in self.verbs for word in words)
                or any(
                    self.of(function.__code__, function.__globals__)
                    for function in _functions(words, names)
                )
            )
        return self.known[code]


def _words(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _words(constant)


def _functions(words: Collection[str], names: Mapping[str, Any]) -> Iterable[FunctionType]:
    """The functions outside of libraries that these words can mean."""
    meant = [names[word] for word in words if word in names]
    inside = [
        vars(module)[word]
        for module in meant
        if isinstance(module, ModuleType) and not _of_library(module.__name__)
        for word in words
        if word in vars(module)
    ]
    for value in (*meant, *inside):
        function = value.func if isinstance(value, functools.partial) else value
        if isinstance(function, FunctionType) and not _of_library(function.__module__):
            yield inspect.unwrap(function)


def _of_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in LIBRARIES

"""Which steps of which plans a revision runs, found by reading its upgrade() and not by running it.

The functions are read as text. Every name in them is looked up in the loaded module, so an alias, a
plan of another module and a function that calls the verb for several revisions are understood.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from membership_refactor.planning import TableSplit
from membership_refactor.project.reach_of_code import Reach

CONSTANT = "refactoring"
"""A revision that cannot be read says it itself: ``refactoring = [("copy_table", ORDERS)]``."""
MODULES = ("alembic.op", "membership_refactor.op")
"""The modules that have the verbs."""


@dataclass(frozen=True, slots=True)
class StepCall:
    """A verb in ``upgrade()``: the step, the plan, and the schema where one is named."""

    step: str
    plan: TableSplit
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """What was found in one revision."""

    found: tuple[StepCall, ...] = ()
    """In the order in which they run."""
    unread: tuple[str, ...] = ()
    """The steps of verbs whose plan or schema could not be read."""


def calls_of(module: ModuleType, steps: Collection[str]) -> Calls:
    """The verbs of these steps that the revision of that module calls on its way up.

    Nothing of the module is run. What its constant ``refactoring`` says counts alone.
    """
    said = vars(module).get(CONSTANT)
    if isinstance(said, (list, tuple)):
        return _of_constant(said, steps)
    reader = _Reader(_verbs(steps))
    reader.call(vars(module).get("upgrade"), (), {})
    return Calls(tuple(reader.found), tuple(reader.unread))


def _of_constant(said: Iterable[Any], steps: Collection[str]) -> Calls:
    found, unread = [], []
    for entry in said:
        match entry:
            case (str(step), TableSplit() as plan) if step in steps:
                found.append(StepCall(step, plan))
            case (str(step), TableSplit() as plan, str(schema)) if step in steps:
                found.append(StepCall(step, plan, schema))
            case _:
                unread.append(str(entry[0]) if isinstance(entry, tuple) and entry else str(entry))
    return Calls(tuple(found), tuple(unread))


def _verbs(steps: Collection[str]) -> dict[int, str]:
    modules = [sys.modules[name] for name in MODULES if name in sys.modules]
    found = ((getattr(module, step, None), step) for module in modules for step in steps)
    return {id(verb): step for verb, step in found if verb is not None}


class _Unknown:
    """The value of an expression that only a run could tell."""


UNKNOWN = _Unknown()
Values = Mapping[str, Any]


@dataclass
class _Reader:
    verbs: dict[int, str]
    """By identity of the function: the step."""
    found: list[StepCall] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    running: list[Any] = field(default_factory=list)
    """The functions that are being read, so that one that calls itself is read once."""
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach(self.verbs)

    def call(self, function: Any, given: Sequence[Any], named: Values) -> None:
        """Read a function of Python that is called with these values."""
        while isinstance(function, functools.partial):
            given, named = (*function.args, *given), {**function.keywords, **named}
            function = function.func
        function = inspect.unwrap(function) if callable(function) else None
        if not isinstance(function, FunctionType) or function in self.running:
            return
        if not self.reach.of(function.__code__, function.__globals__):
            return
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            return
        body = next((n for n in ast.walk(tree) if isinstance(n, FUNCTIONS)), None)
        if body is None:
            return
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        closed = {name: cell.cell_contents for name, cell in cells}
        try:
            bound = inspect.signature(function).bind_partial(*given, **named)
        except TypeError:
            return
        bound.apply_defaults()
        self.running.append(function)
        Body(self, {**function.__globals__, **closed}, bound.arguments).read(body)
        self.running.pop()

    def verb(self, step: str, plan: Any, schema: Any) -> None:
        if isinstance(plan, TableSplit) and (schema is None or isinstance(schema, str)):
            self.found.append(StepCall(step, plan, schema))
        else:
            self.unread.append(step)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class Body:
    """The body of a function: its statements in order, and what its names stand for there."""

    reader: _Reader
    names: Values
    """The names of the module."""
    local: dict[str, Any]

    def read(self, function: ast.AST) -> None:
        statements = getattr(function, "body", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.local[name] = node
            case ast.Lambda() | ast.ClassDef():
                pass
            case ast.Import() | ast.ImportFrom():
                self._bind_import(node)
            case ast.Assign(targets=targets, value=value):
                self.visit(value)
                for target in targets:
                    self._bind(target, self.value(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.visit(value)
                self._bind(target, self.value(value))
            case ast.For(target=target, iter=over, body=body, orelse=orelse):
                self.visit(over)
                elements = self.value(over)
                known = isinstance(elements, (list, tuple))
                for element in elements if known else (UNKNOWN,):
                    self._bind(target, element)
                    self._all(body)
                self._all(orelse)
            case ast.If(test=test, body=body, orelse=orelse):
                self.visit(test)
                before = dict(self.local)
                self._all(body)
                one, self.local = self.local, before
                self._all(orelse)
                for name in one.keys() | self.local.keys():
                    if one.get(name, UNKNOWN) is not self.local.get(name, UNKNOWN):
                        self.local[name] = UNKNOWN
            case ast.Call():
                for child in ast.iter_child_nodes(node):
                    self.visit(child)
                self._call(node)
            case _:
                for child in ast.iter_child_nodes(node):
                    self.visit(child)

    def _all(self, statements: Iterable[ast.AST]) -> None:
        for statement in statements:
            self.visit(statement)

    def _call(self, node: ast.Call) -> None:
        function = self.value(node.func)
        given = [self.value(argument) for argument in node.args]
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        step = self.reader.verbs.get(id(function))
        if step is not None:
            plan = given[0] if given else named.get("plan", UNKNOWN)
            schema = given[1] if len(given) > 1 else named.get("schema")
            self.reader.verb(step, plan, schema)
        elif isinstance(function, FUNCTIONS) and function not in self.reader.running:
            names = [parameter.arg for parameter in function.args.args]
            defaults = [self.value(default) for default in function.args.defaults]
            usual = dict(zip(reversed(names), reversed(defaults), strict=False))
            inner = {**self.local, **usual, **dict(zip(names, given, strict=False)), **named}
            self.reader.running.append(function)
            Body(self.reader, self.names, inner).read(function)
            self.reader.running.pop()
        elif isinstance(function, (FunctionType, functools.partial)):
            self.reader.call(function, given, named)

    def value(self, node: ast.expr) -> Any:
        """What the expression stands for, where that can be told without a run."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.local.get(name, self.names.get(name, UNKNOWN))
            case ast.Attribute(value=base, attr=name):
                return _attribute(self.value(base), name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return tuple(self.value(element) for element in elements)
            case ast.Subscript(value=base, slice=index):
                holder, place = self.value(base), self.value(index)
                try:
                    return holder[place] if isinstance(holder, (dict, list, tuple)) else UNKNOWN
                except (LookupError, TypeError):
                    return UNKNOWN
            case ast.Call(func=ast.Name(id="getattr"), args=[base, named]):
                name = self.value(named)
                return _attribute(self.value(base), name) if isinstance(name, str) else UNKNOWN
            case ast.Lambda():
                return node
        return UNKNOWN

    def _bind(self, target: ast.AST, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.local[name] = value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                fits = isinstance(value, (list, tuple)) and len(value) == len(elements)
                for element, part in zip(
                    elements, value if fits else [UNKNOWN] * len(elements), strict=True
                ):
                    self._bind(element, part)

    def _bind_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Modules that are loaded already; nothing is imported here."""
        for name in node.names:
            if isinstance(node, ast.Import):
                path = name.name if name.asname else name.name.partition(".")[0]
                self.local[name.asname or path] = sys.modules.get(path, UNKNOWN)
            else:
                module = sys.modules.get(node.module or "", UNKNOWN)
                self.local[name.asname or name.name] = _attribute(module, name.name)


def _attribute(value: Any, name: str) -> Any:
    """An attribute, without running a property of the project's."""
    if isinstance(value, ModuleType):
        return getattr(value, name, UNKNOWN)
    return inspect.getattr_static(value, name, UNKNOWN)

"""The text of a Python module that holds one plan."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from membership_refactor.planning.shapes import Shape


def plan_module(plan: TableSplit, constant: str, *, remarks: Mapping[str, str]) -> str:
    """The module, with the plan as ``constant``. ``remarks`` by column stand above the column."""
    names = ["TableSplit"]
    if plan.parent_columns:
        names += ["ParentColumn"]
    if any(c.conflict is not Conflict.AGREE for c in plan.parent_columns):
        names += ["Conflict"]
    fields = "\n".join(_fields(plan, remarks))
    return (
        f'"""{_title(plan)}"""\n\n'
        f"from membership_refactor import {', '.join(sorted(names))}\n\n"
        f"{constant} = TableSplit(\n{textwrap.indent(fields, '    ')}\n)\n"
    )


def _title(plan: TableSplit) -> str:
    """Plain ASCII punctuation: a name of the database may hold anything."""
    match plan.shape:
        case Shape.SPLIT:
            what = f"splits {plan.source} into {plan.parent} and {plan.child}"
        case Shape.IN_PLACE:
            what = f"splits {plan.parent} off {plan.source}, which keeps its name"
        case Shape.RENAME:
            what = f"gives {plan.source} the name {plan.child}"
    text = f"The plan that {what}."
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _fields(plan: TableSplit, remarks: Mapping[str, str]) -> Iterator[str]:
    yield f"name={_text(plan.name)},"
    yield f"source={_text(plan.source)},"
    if plan.copy is not None:
        yield f"copy={_text(plan.copy)},"
    if plan.parent:
        yield f"parent={_text(plan.parent)},"
        yield from _tuple("key", map(_text, plan.key))
        yield from _parent_columns(plan.parent_columns, remarks)
    yield from _tuple("child_columns", map(_text, plan.child_columns))
    if plan.keep:
        yield from _tuple("keep", map(_text, plan.keep))
    if plan.parent:
        yield f"link={_text(plan.link)},"
    defaults = {f.name: f.default for f in TableSplit.__dataclass_fields__.values()}
    if len(plan.ids) > 1:
        yield from _tuple("id", map(_text, plan.ids))
    elif plan.id != defaults["id"]:
        yield f"id={_text(plan.last_id)},"
    for name in ("parent_id", "changed", "version"):
        value = getattr(plan, name)
        if value != defaults[name]:
            yield f"{name}={_text(value)},"
    if plan.copy is not None and plan.retired != f"{plan.source}_retired":
        yield f"retired={_text(plan.retired)},"


def _tuple(name: str, values: Iterable[str]) -> Iterator[str]:
    listed = list(values)
    line = f"{name}=({', '.join(listed)}{',' if len(listed) == 1 else ''}),"
    if len(line) <= 90:
        yield line
    else:
        yield f"{name}=("
        yield from (f"    {value}," for value in listed)
        yield "),"


def _parent_columns(columns: tuple[ParentColumn, ...], remarks: Mapping[str, str]) -> Iterator[str]:
    if not columns:
        return
    yield "parent_columns=("
    for column in columns:
        for line in textwrap.wrap(remarks.get(column.name, ""), 84):
            yield f"    # {line}"
        policy = f", conflict=Conflict.{column.conflict.name}"
        shown = policy if column.conflict is not Conflict.AGREE else ""
        yield f"    ParentColumn(name={_text(column.name)}{shown}),"
    yield "),"


def _text(value: str) -> str:
    """A Python literal in double quotes, as formatters write it."""
    return json.dumps(value, ensure_ascii=not value.isprintable())

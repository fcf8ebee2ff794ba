"""Functions of the tool that write the plan's tables have the schemas that they need."""

from __future__ import annotations

import re
from dataclasses import replace

from membership_refactor.portrait import PathSchema
from membership_refactor.steps.step import Direction, Situation
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.steps.situations import situation

FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION .*?(?=REVOKE ALL|\Z)", re.DOTALL)
NEEDED = PathSchema(name="app", place=0, usable=True, makers=())


def needing(step: str, direction: Direction) -> Situation:
    """The situation of the step, where functions on every table need the schema ``app``."""
    s = situation(step, direction)
    assert s.now is not None
    tables = tuple(replace(table, path=(NEEDED,)) for table in s.now.tables)
    return replace(s, now=replace(s.now, tables=tables))


def writers(step: str, direction: Direction) -> list[str]:
    """The functions that the step makes and that write a table of the plan."""
    s = needing(step, direction)
    actions = CHAIN[step].up(s) if direction is Direction.UP else CHAIN[step].down(s)
    tables = "|".join(map(re.escape, (s.names.source, s.names.copy, s.names.parent)))
    write = re.compile(rf"(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE) (?:{tables})")
    texts = [s.text for action in actions for s in getattr(action, "statements", ())]
    return [f for text in texts for f in FUNCTION.findall(text) if write.search(f)]


def test_no_function_writes_a_table_of_the_plan_without_the_schemas_that_it_needs() -> None:
    made = {(step.name, d): writers(step.name, d) for step in CHAIN for d in Direction}
    assert {step for (step, _), found in made.items() if found} == {
        "copy_table",
        "dual_write",
        "retire_source",
        "rebuild_parent",
        "link_children",
        "stop_parallel_save",
    }
    path = 'SET search_path = pg_catalog, "app", pg_temp'
    assert [f for found in made.values() for f in found if path not in f] == []

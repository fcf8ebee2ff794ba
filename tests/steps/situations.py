"""Steps of the chain that ships, as text: on the tables that 0001 creates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait, Table
from membership_refactor.script.prediction import Prediction, predicted
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Action
from membership_refactor.steps.step import Direction, Situation
from tests.fixtures.steps import SHIPPED as CHAIN


@cache
def prediction() -> Prediction:
    """The portraits of the whole chain, from an empty schema on."""
    names = Names(SPLIT, "public")
    return predicted(names, CHAIN, Portrait(schema="public", tables=()))


def situation(step: str, direction: Direction = Direction.UP) -> Situation:
    return prediction().situation(step, direction)


def actions(step: str, direction: Direction) -> tuple[Action, ...]:
    s = situation(step, direction)
    return CHAIN[step].up(s) if direction is Direction.UP else CHAIN[step].down(s)


def keys(step: str, direction: Direction) -> list[str]:
    return [action.key for action in actions(step, direction)]


def with_table(step: str, name: str, change: Callable[[Table], Table]) -> Situation:
    """The situation before ``step``, with another portrait of one table."""
    s = situation(step)
    found = s.before(step)
    tables = tuple(change(t) if t.name == name else t for t in found.tables)
    changed = replace(found, tables=tables)
    return replace(s, portraits={**s.portraits, step: changed}, now=changed)

"""The policies of the parent, created and dropped while nobody but its owner may use it."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.grants_and_policies import create_policies, drop_policies
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief
from membership_refactor.steps.step import Situation


def create_parent_policies(s: Situation, opened: Table) -> tuple[Action, ...]:
    """Those of ``opened``. A step that was taken back and is taken again may find them there."""
    return _policies(s, "create", (*drop_policies(opened), *create_policies(opened)))


def drop_parent_policies(s: Situation) -> tuple[Action, ...]:
    """Every policy that the parent has now, and its row security."""
    return _policies(s, "drop", drop_policies(s.current(s.plan.parent)))


def _policies(s: Situation, verb: str, statements: tuple[Statement, ...]) -> tuple[Action, ...]:
    if not statements:
        return ()
    return (
        Brief(
            key=f"{verb}_policies",
            title=f"{verb.capitalize()} the parent's policies",
            locks=((s.names.parent, Lock.ACCESS_EXCLUSIVE),),
            statements=(EMPTY_SEARCH_PATH, *statements),
        ),
    )

"""A step as psql text: its questions, its actions one by one, its checks and its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from membership_refactor.checks.guard import (
    before_any_step,
    every_row_is_seen,
    own_triggers_fire,
)
from membership_refactor.errors import CannotCarry
from membership_refactor.script.action_text import Printer
from membership_refactor.script.asking import (
    gate,
    neighbours,
    no_other_step,
    recorded,
    same_plan,
)
from membership_refactor.script.options import Pace
from membership_refactor.script.psql import ask, ended, say, when
from membership_refactor.script.records import Records
from membership_refactor.script.session import as_owner, pinned, put_back, remember
from membership_refactor.sql.application_code.search_path import session_path
from membership_refactor.sql.ledger.own_objects import renew_foreign_fence
from membership_refactor.sql.ledger.table_definitions import drop_ledger
from membership_refactor.steps.step import Direction, Situation, Step
from membership_refactor.steps.step_chain import Chain


def print_step(
    step: Step,
    situation: Situation,
    direction: Direction,
    chain: Chain,
    *,
    lowest: str | None = None,
    pace: Pace | None = None,
) -> str:
    """The step as text for psql, outside of a transaction, after ``print_head``.

    It does what the runner does and leaves the same records, so either can go on where the other
    stopped. Run again, it does nothing. ``situation`` comes from ``predicted``. ``lowest`` is the
    last step of a way down: what every step down to it refuses is asked.
    CannotCarry where the portrait's tables cannot take the step.
    """
    label = chain.revisions.label(step.name)
    if direction is Direction.UP:
        _require_no_refusal(step, situation, label)
    pace = pace or Pace()
    plan, names = situation.plan, situation.names
    tables = plan.tables
    records = Records(names, step.name, direction, chain.revisions)
    printer = Printer(records, pace)
    actions = step.up(situation) if direction is Direction.UP else step.down(situation)
    begun = _begun(
        step,
        situation,
        records,
        chain,
        lowest=lowest or step.name,
        pace=pace,
    )
    work = [
        when(
            "refactor_open",
            [say(f"{label}: resumed")],
            [
                say(f"{label} {direction}"),
                *begun,
            ],
        ),
        *(printer.text(action) for action in actions),
        *_ended(step, situation, records),
    ]
    seen = "\n".join(
        (recorded(records, [every_row_is_seen(names)]), ended(renew_foreign_fence(names).text))
    )
    return _pieces(
        f"-- {label} {direction}",
        remember(),
        pinned(f"script {chain.revisions.of(step.name)} {direction}"),
        f"{session_path(names)};" if names.path else "",
        as_owner(names, tables),
        same_plan(records),
        ask(refactor_stands=records.stands(), refactor_open=records.is_open()),
        when(
            "refactor_stands",
            [say(f"{label}: {direction} already, nothing to do")],
            ["", "\n\n".join([no_other_step(records, chain), seen, *work]), ""],
        ),
        put_back(),
    )


def _pieces(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text) + "\n"


def _require_no_refusal(step: Step, situation: Situation, label: str) -> None:
    refused = step.refusals(situation)
    if refused:
        raise CannotCarry(
            f"{label} cannot take the tables of this portrait:",
            differences=refused,
            hint="Fix these, write the portrait again, and print the script again.",
        )


def _begun(
    step: Step,
    situation: Situation,
    records: Records,
    chain: Chain,
    *,
    lowest: str,
    pace: Pace,
) -> Iterable[str]:
    """Everything that may refuse it, then the record that it has begun."""
    yield recorded(records, before_any_step(records.names))
    yield from filter(None, [neighbours(records, chain)])
    if records.direction is Direction.UP:
        for asked in step.gates(situation):
            yield gate(records, asked, accepted=pace.reason(asked.option))
        yield recorded(records, step.before_up(situation))
    else:
        for other in chain.way_down(step.name, lowest):
            of_other = replace(records, step=other.name)
            yield recorded(of_other, other.before_down(situation))
    assert situation.now is not None
    yield records.begin(situation.now, chain.revisions.ids.get(step.name))


def _ended(step: Step, situation: Situation, records: Records) -> Iterable[str]:
    if step.ends_ledger and records.direction is Direction.DOWN:
        return (ended(drop_ledger(situation.names.schema).text),)
    after = step.after_up if records.direction is Direction.UP else step.after_down
    found = (own_triggers_fire(records.names), *after(situation))
    return (recorded(records, found), records.end())

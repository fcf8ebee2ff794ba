"""A step as psql text: asked, begun, done action by action, checked and ended, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from membership_refactor.checks.row_security import every_row_is_seen
from membership_refactor.errors import CannotCarry
from membership_refactor.script.actions import Printer
from membership_refactor.script.asking import (
    gate,
    neighbours,
    no_other_step,
    recorded,
    same_plan,
)
from membership_refactor.script.pace import Pace
from membership_refactor.script.psql import ask, ended, say, when
from membership_refactor.script.records import Records
from membership_refactor.script.session import as_owner, pinned, put_back, remember
from membership_refactor.sql.ledger.tables import drop_ledger
from membership_refactor.steps import ALL
from membership_refactor.steps.step import Direction, Situation, Step


def print_step(
    step: Step,
    situation: Situation,
    direction: Direction,
    *,
    steps: Mapping[str, Step] = ALL,
    destination: str = "",
    pace: Pace | None = None,
) -> str:
    """The step as text for psql, outside of a transaction, after ``print_head``.

    It does what the runner does and leaves the same records, so that either can go on where the
    other stopped; run again, it does nothing. ``situation`` comes from ``predicted``.
    ``destination`` is the lowest revision of a way down: the refusals of all up to it are asked.
    CannotCarry where the portrait's tables cannot take the step.
    """
    if direction is Direction.UP:
        _require_no_refusal(step, situation)
    pace = pace or Pace()
    plan, names = situation.plan, situation.names
    tables = (plan.source, plan.copy, plan.parent, plan.retired)
    records = Records(names, step.revision, direction)
    printer = Printer(records, pace)
    actions = step.up(situation) if direction is Direction.UP else step.down(situation)
    title = f"{step.revision} {step.name}"
    begun = _begun(
        step,
        situation,
        records,
        steps=steps,
        lowest=destination or step.revision,
        accepted=pace.accept_usage,
    )
    work = [
        when(
            "refactor_open",
            [say(f"{title}: going on where it stopped")],
            [
                say(f"{title} {direction}"),
                *begun,
            ],
        ),
        *(printer.text(action) for action in actions),
        *_ended(step, situation, records),
    ]
    seen = recorded(records, [every_row_is_seen(names)])
    return _pieces(
        f"-- {title} {direction}",
        remember(),
        pinned(f"script {step.revision} {direction}"),
        as_owner(names, tables),
        same_plan(records),
        ask(refactor_stands=records.stands(), refactor_open=records.is_open()),
        when(
            "refactor_stands",
            [say(f"{title}: {direction} already, nothing to do")],
            ["", "\n\n".join([no_other_step(records), seen, *work]), ""],
        ),
        put_back(),
    )


def _pieces(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text) + "\n"


def _require_no_refusal(step: Step, situation: Situation) -> None:
    refused = step.refusals(situation)
    if refused:
        raise CannotCarry(
            f"{step.revision} {step.name} cannot take the tables of this portrait:",
            differences=refused,
            hint="Mend these, write the portrait again, and print the script again.",
        )


def _begun(
    step: Step,
    situation: Situation,
    records: Records,
    *,
    steps: Mapping[str, Step],
    lowest: str,
    accepted: str | None,
) -> Iterable[str]:
    """Everything that may speak against it, then the record that it has begun."""
    yield from filter(None, [neighbours(records, steps)])
    if records.direction is Direction.UP:
        if step.gate is not None:
            yield gate(records, step.gate(situation), accepted=accepted)
        yield recorded(records, step.before_up(situation))
    else:
        for revision in sorted(steps, reverse=True):
            if lowest <= revision <= step.revision:
                other = Records(records.names, revision, records.direction)
                yield recorded(other, steps[revision].before_down(situation))
    assert situation.now is not None
    yield records.begin(situation.now)


def _ended(step: Step, situation: Situation, records: Records) -> Iterable[str]:
    if step.ends_ledger and records.direction is Direction.DOWN:
        return (ended(drop_ledger(situation.names.schema).text),)
    after = step.after_up if records.direction is Direction.UP else step.after_down
    return (recorded(records, after(situation)), records.end())

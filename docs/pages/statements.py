"""A page for each step and direction: every action with its SQL, trigger functions in full."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from membership_refactor.checks.check import Check
from membership_refactor.sql.statements import Statement
from membership_refactor.steps.actions import (
    Action,
    Alone,
    Brief,
    Build,
    Ranges,
    Run,
    Switch,
    Verify,
)
from membership_refactor.steps.enrollment_identity import UniqueIndex
from membership_refactor.steps.step import Direction
from tests.docs.generated import prediction, texts
from tests.fixtures.steps import STEPS

SHORT = "Under short locks. Each is waited for 50 ms at most and held 20 ms at most:"
_FUNCTION = re.compile(r'CREATE (?:OR REPLACE )?FUNCTION "[^"]+"\."([^"]+)"')
NOTHING = "This step executes nothing here: it only reads."


def pages() -> Iterator[tuple[str, str]]:
    """(name, text) of every page, the list of them first."""
    yield "index", _contents()
    for revision in sorted(STEPS):
        for direction in Direction:
            yield page_name(revision, direction), _page(revision, direction)


def page_name(revision: str, direction: Direction) -> str:
    return f"{revision}-{direction}"


def _contents() -> str:
    names = [page_name(r, d) for r in sorted(STEPS) for d in Direction]
    rows = [
        f"| {r} `{STEPS[r].name}` | [upgrade]({r}-up.md) | [downgrade]({r}-down.md) |"
        for r in sorted(STEPS)
    ]
    return "\n".join(
        [
            "# The SQL of each step",
            "",
            "These pages show every statement that a step executes, with the whole text of its",
            "trigger functions. They are made from the steps for the tables that 0001 creates.",
            "Your own tables may have more columns, indexes and keys. `alembic upgrade` with",
            "`--sql` prints the same for them, as a script for psql.",
            "",
            "Left out is what all steps have in common: the entries in the ledger, the retries of",
            "locks, and the comparison of what must be there before a step begins. The script has",
            "these too.",
            "",
            "| step | upgrade | downgrade |",
            "|---|---|---|",
            *rows,
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *names,
            "```",
            "",
        ]
    )


def _page(revision: str, direction: Direction) -> str:
    step = STEPS[revision]
    situation = prediction().situation(step.name, direction)
    up = direction is Direction.UP
    other = page_name(revision, direction.other)
    before, after = (step.before_up, step.after_up) if up else (step.before_down, step.after_down)
    actions = (step.up if up else step.down)(situation)
    lines = [f"# {revision} {step.name}: {direction}grade", "", texts()[revision].title, ""]
    lines += [f"See also the [{direction.other}grade]({other}.md).", ""]
    lines += _checks("Checks before the step", before(situation))
    for action in actions:
        lines += [f"## {_heading(action)}", "", *_body(action)]
    if not actions:
        lines += [NOTHING, ""]
    lines += _checks("Checks after the step", after(situation))
    return "\n".join(lines)


def _heading(action: Action) -> str:
    return " ".join(action.title.split())


def _body(action: Action) -> list[str]:
    match action:
        case Run():
            return ["In one transaction:", "", *_sql(action.statements)]
        case Brief():
            return [SHORT, "", *_locks(action.locks), *_sql(action.statements)]
        case Switch():
            drain = action.build.function("drain")
            return [
                f"Replays the change log with `{drain}` until little is left. Then replays the",
                "rest under short locks. Each is waited for 50 ms at most and held 20 ms at most:",
                "",
                *_locks(action.locks),
                *_sql(action.statements),
            ]
        case Alone():
            return ["Outside of a transaction:", "", *_sql((action.statement,))]
        case Build():
            function = action.build.function("build")
            return [f"In batches, each with one call of `{function}(first, last)`.", ""]
        case Ranges():
            return [f"In batches, each with one call of `{action.function}(first, last)`.", ""]
        case Verify():
            return [line for check in action.checks for line in _check(check)]
        case UniqueIndex():
            built = "Outside of a transaction. It is tried again where duplicates arrive meanwhile."
            return [f"{built} As a script for psql, which tries once:", "", *_script(action.script)]
    raise TypeError(f"no page can show {type(action).__name__}")


def _script(text: str) -> list[str]:
    return ["```text", text.strip(), "```", ""]


def _locks(locks: Iterable[tuple[str, object]]) -> list[str]:
    return [*(f"- {lock} on `{table}`" for table, lock in locks), ""]


def _checks(heading: str, checks: tuple[Check, ...]) -> list[str]:
    if not checks:
        return []
    return [f"## {heading}", "", *(line for check in checks for line in _check(check))]


def _check(check: Check) -> list[str]:
    sentence = check.sentence[:1].upper() + check.sentence[1:]
    asked = "The query returns the rows that break it:"
    return [f"{sentence}. {asked}", "", *_sql((Statement(check.query),))]


def _sql(statements: Iterable[Statement]) -> list[str]:
    """Blocks of SQL; each function has a heading, so that the page lists it."""
    lines: list[str] = []
    open_block = False
    for text in (s.text.strip().rstrip(";") + ";" for s in statements):
        function = _FUNCTION.match(text)
        if open_block and function:
            lines += ["```", ""]
        if function:
            lines += [f"### `{function[1]}`", ""]
        if function or not open_block:
            lines += ["```postgres", text]
        else:
            lines += ["", text]
        open_block = True
    return [*lines, "```", ""] if open_block else []

"""Whether Alembic's version, the ledger and the tables belong together.

Each may have come here alone: by a restore, by a stamp, or from another project that uses the
same ids. What they say is compared before any verb acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.ledger import StepRecord
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.inspect.read_only import looking
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.step import Direction, Step

_ANOTHER = "Name the right database or schema: -x url=URL, -x schema=NAME."


def stands_at(runner: Runner, pg: Pg) -> str | None:
    """The revisions in the schema's version table. None where nothing has run."""
    return ", ".join(VersionTable(runner.schema).versions(pg)) or None


def require_own_history(runner: Runner, config: Config) -> None:
    """Raise StepOutOfOrder unless version, ledger and tables can be of one history, and that of
    the project of ``config``. Nothing is changed."""
    with looking(runner, "history") as pg:
        heads = VersionTable(runner.schema).versions(pg)
        steps = runner.ledger.steps(pg) if runner.ledger.exists(pg) else {}
        for head in heads:
            step = runner.chain.at(head)
            if step is not None:
                _require_recorded(runner, pg, head, step, steps)
            elif head not in _revisions(config):
                raise StepOutOfOrder(
                    f'the version of schema "{runner.schema}" is {head}, which is no revision of '
                    "this project. Nothing was changed.",
                    hint=_ANOTHER,
                )
        if not steps:
            require_no_lone_tables(runner, replaces=False)
        runner.require_tables_of_ledger(pg)


def _revisions(config: Config) -> set[str]:
    script = ScriptDirectory.from_config(config)
    return {found.revision for found in script.walk_revisions()}


def require_step_of_history(runner: Runner, step: str, direction: Direction) -> None:
    """Raise StepOutOfOrder where Alembic takes down a step that no ledger says ran here, or takes
    one up over tables of which no ledger is left. Alembic would change its version."""
    with looking(runner, "history") as pg:
        steps = runner.ledger.steps(pg) if runner.ledger.exists(pg) else {}
    if not steps:
        require_no_lone_tables(runner, replaces=False)
    if direction is Direction.DOWN and step not in steps:
        raise unrecorded(runner, runner.chain.revisions.of(step))


def _require_recorded(
    runner: Runner, pg: Pg, head: str, step: Step, steps: Mapping[str, StepRecord]
) -> None:
    if step.name not in steps:
        require_no_lone_tables(runner, replaces=bool(steps))
        raise unrecorded(runner, head)
    last = runner.ledger.stands_at(pg)
    if runner.ledger.open_step(pg) is not None or last is None:
        return
    # Alembic writes its version after the step has ended, so the two may be one step apart.
    order = [step.name for step in runner.chain]
    if abs(order.index(step.name) - order.index(last.name)) > 1:
        stands = runner.chain.revisions.of(last.name)
        raise StepOutOfOrder(
            f'the version of schema "{runner.schema}" is {head}, and the ledger stands at '
            f"{stands}. Nothing was changed.",
            hint=f"If the version was stamped by hand: alembic stamp {stands}   If something was "
            f"restored: restore the schemas {ident(runner.schema)} and "
            f"{ident(runner.ledger.name)} of one dump.",
        )


def unrecorded(runner: Runner, head: str) -> StepOutOfOrder:
    """The error for a version whose step has never run here."""
    return StepOutOfOrder(
        f'the version of schema "{runner.schema}" is {head}, and no ledger says that {head} ran '
        "here. It is the version of another project, or was stamped by hand. Nothing was changed.",
        hint=f"{_ANOTHER} If it was stamped: alembic stamp --purge base",
    )


def require_no_lone_tables(runner: Runner, *, replaces: bool) -> None:
    """Raise StepOutOfOrder where tables of the split are there without any record of a step.
    ``replaces`` says that there is a ledger, which has no such record."""
    now = runner.read()
    plan = runner.plan
    lone = [n for n in (plan.child, plan.retired) if now.find(n) is not None]
    if lone:
        ledger = runner.ledger.name
        drop = f"DROP SCHEMA {ident(ledger)} CASCADE; " if replaces else ""
        raise StepOutOfOrder(
            f'table "{lone[0]}" is there, and no ledger says that a step made it. '
            "Nothing was changed.",
            hint=f"If it was restored, restore the ledger of the same dump too: {drop}"
            f"pg_restore --schema={ledger} …   then: membership-refactor repair --apply   "
            "Else rename that table.",
        )

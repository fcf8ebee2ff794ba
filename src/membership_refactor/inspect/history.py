"""Whether Alembic's version, the ledger and the tables belong together.

Each may have come here alone: by a restore, by a stamp, or from another project that uses the
same ids. What they say is compared before any verb acts on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.ledger import StepRecord
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg
from membership_refactor.inspect.read_only import looking
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.step import Direction

_ANOTHER = "Name the right database or schema: -x url=URL, -x schema=NAME."


def stands_at(runner: Runner, pg: Pg) -> str | None:
    """The revisions in the version table, without what runs steps of other plans only. None where
    nothing has run."""
    places = (runner.chain.revisions.place(v) for v in runner.version_table.versions(pg))
    return ", ".join(dict.fromkeys(p for p in places if p is not None)) or None


def require_own_history(runner: Runner, project: AlembicProject) -> None:
    """Raise StepOutOfOrder unless version, ledger and tables can be of one history, and that of
    the project. Nothing is changed."""
    with looking(runner, "history") as pg:
        heads = runner.version_table.versions(pg)
        steps = runner.ledger.steps(pg) if runner.ledger.exists(pg) else {}
        if heads:
            applied = project.applied(heads)
            unknown = [head for head in heads if head not in applied]
            if unknown:
                raise StepOutOfOrder(
                    f'the version of schema "{runner.schema}" is {unknown[0]}, which is no '
                    "revision of this project. Nothing was changed.",
                    hint=_ANOTHER,
                )
            _require_recorded(runner, pg, heads, applied, steps)
        if not steps:
            require_no_lone_tables(runner, replaces=False)
        runner.require_tables_of_ledger(pg)


def require_step_of_history(
    runner: Runner, steps: Mapping[str, StepRecord], step: str, direction: Direction
) -> None:
    """Raise StepOutOfOrder where Alembic takes down a step that no ledger says ran here, or takes
    one up over tables of which no ledger is left. Alembic would change its version.

    ``steps`` are those that the ledger knows.
    """
    if not steps:
        require_no_lone_tables(runner, replaces=False)
    if direction is Direction.DOWN and step not in steps:
        revision = runner.chain.revisions.of(step)
        raise unrecorded(runner, revision, revision)


def _require_recorded(
    runner: Runner,
    pg: Pg,
    heads: Sequence[str],
    applied: Collection[str],
    steps: Mapping[str, StepRecord],
) -> None:
    """Compare the steps whose revisions are ``applied`` with the steps that the ledger knows."""
    ids, version = runner.chain.revisions.ids, ", ".join(heads)
    step = runner.chain.highest({name for name, revision in ids.items() if revision in applied})
    if step is not None and step.name not in steps:
        require_no_lone_tables(runner, replaces=bool(steps))
        raise unrecorded(runner, version, ids[step.name])
    last = runner.ledger.stands_at(pg) if steps else None
    if last is None or last.name not in ids or runner.ledger.open_step(pg) is not None:
        return
    # Alembic writes its version after the step has ended, so the two may be one revision apart.
    order = list(dict.fromkeys(ids[s.name] for s in runner.chain if s.name in ids))
    place = order.index(ids[step.name]) if step is not None else -1
    if abs(place - order.index(ids[last.name])) > 1:
        stands = ids[last.name]
        raise StepOutOfOrder(
            f'the version of schema "{runner.schema}" is {version}, and the ledger stands at '
            f"{stands}. Nothing was changed.",
            hint=f"If the version was stamped by hand: alembic stamp {stands}   If something was "
            f"restored: restore the schemas {ident(runner.schema)} and "
            f"{ident(runner.ledger.name)} of one dump.",
        )


def unrecorded(runner: Runner, version: str, revision: str) -> StepOutOfOrder:
    """The error for a version by which the step of ``revision`` has run, and it never has."""
    return StepOutOfOrder(
        f'the version of schema "{runner.schema}" is {version}, and no ledger says that {revision} '
        "ran here. It is the version of another project, or was stamped by hand. Nothing was "
        "changed.",
        hint=f"{_ANOTHER} If it was stamped: alembic stamp --purge base",
    )


def require_no_lone_tables(runner: Runner, *, replaces: bool) -> None:
    """Raise StepOutOfOrder where tables of the split are there without any record of a step.
    ``replaces`` says that there is a ledger, which has no such record."""
    now = runner.read()
    plan = runner.plan
    made = (plan.parent,) if plan.copy is None else (plan.copy, plan.retired)
    lone = [n for n in made if now.find(n) is not None]
    if lone:
        ledger = runner.ledger.name
        repair = runner.chain.revisions.verb("repair")
        drop = f"DROP SCHEMA {ident(ledger)} CASCADE; " if replaces else ""
        raise StepOutOfOrder(
            f'table "{lone[0]}" is there, and no ledger says that a step made it. '
            "Nothing was changed.",
            hint=f"If it was restored, restore the ledger of the same dump too: {drop}"
            f"pg_restore --schema={ledger} …   then: {repair} --apply   "
            "Else rename that table.",
        )

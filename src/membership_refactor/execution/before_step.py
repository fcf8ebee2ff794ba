"""What may refuse a step: asked before it begins, and before each of its locks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from membership_refactor.catalog.read import read_portrait, read_server
from membership_refactor.checks.guard import before_any_step, own_triggers_fire
from membership_refactor.errors import CannotCarry, StepOutOfOrder
from membership_refactor.execution.chain_in_schema import ChainInSchema
from membership_refactor.execution.ledger import StepRecord
from membership_refactor.execution.run_checks import open_gate
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.application_code.search_path import path_obstacles, session_path
from membership_refactor.sql.ddl.distributed_tables import distributed_tables
from membership_refactor.sql.names import Names
from membership_refactor.steps.changed_tables import changed_since
from membership_refactor.steps.partition_sides import partitions_followed
from membership_refactor.steps.step import Direction, Situation, Step


def ask_before(
    place: ChainInSchema, pg: Pg, step: Step, last: Step | None, direction: Direction, lowest: str
) -> Situation:
    """The situation in which the step begins, after everything that may refuse it was asked.
    ``last`` is the step at which the chain stands."""
    with place.looking() as look:
        portrait = read_portrait(look, place.schema, place.tables)
        server = read_server(look, place.schema, place.owner(look))
    # The ledger stands already, so nothing more is made in the database itself.
    server = replace(server, creates_in_database=True)
    situation = replace(place.situation(pg), now=portrait, server=server)
    if situation.names.path:
        run(pg, session_path(situation.names))
    # Somebody may have distributed a table since the last step.
    distributed = distributed_tables(place.plan, place.schema, server)
    _require_nothing_refused(place, step, distributed)
    stands = (*before_any_step(place.names), *partitions_followed(situation))
    place.require(pg, stands, step, direction)
    require_structure(place, step, situation, last, direction, lowest)
    _require_nothing_refused(place, step, path_obstacles(place.plan, portrait))
    Throttle(place.ledger, place.options, place.progress).look(pg)
    if direction is Direction.DOWN:
        for other in place.chain.way_down(step.name, lowest):
            place.require(pg, other.before_down(situation), other, direction)
        return situation
    kept = {**situation.portraits, step.name: portrait}
    situation = replace(situation, portraits=kept)
    _require_nothing_refused(place, step, step.refusals(situation))
    for gate in step.gates(situation):
        open_gate(
            pg,
            gate,
            step.name,
            ledger=place.ledger,
            options=place.options,
            progress=place.progress,
        )
    place.require(pg, step.before_up(situation), step, direction)
    return situation


def require_neighbours(
    place: ChainInSchema, known: Mapping[str, StepRecord], step: Step, direction: Direction
) -> None:
    up = {n for n, s in known.items() if s.direction is Direction.UP and not s.open}
    if direction is Direction.UP:
        wrong = [s for s in place.chain.below(step.name) if s.name not in up]
        order = "has not been applied"
    else:
        wrong = [s for s in place.chain.above(step.name) if s.name in up]
        order = "is still applied"
    if wrong:
        other = place.chain.revisions.of(wrong[0].name)
        raise StepOutOfOrder(
            f"{place.label(step.name)} cannot go {direction}: {other} {order}, "
            "according to the ledger.",
            hint=f"Was the version stamped by hand? See: {place.chain.revisions.verb('status')}",
        )


def require_structure(
    place: ChainInSchema,
    step: Step,
    s: Situation,
    last: Step | None,
    direction: Direction,
    lowest: str,
) -> None:
    """Raise CannotCarry where the tables are no longer what the steps made of them."""
    going = place.chain.way_down(step.name, lowest) if direction is Direction.DOWN else ()
    found = changed_since(s, last, {other.name for other in going}) if last else ()
    if found:
        assert last is not None
        raise CannotCarry(
            f"{place.label(step.name)} cannot go {direction}: the tables were changed after "
            f"{place.chain.revisions.of(last.name)}. Nothing has been changed here.",
            differences=found,
            hint="Undo these changes with ALTER TABLE, then run the same command again.",
        )


def require_firing(
    place: ChainInSchema, names: Names, pg: Pg, step: Step, direction: Direction
) -> None:
    """Raise CheckFailed where somebody has turned a trigger of the tool off since the step
    began, or dropped one since its newest action. It is said and recorded only then, because it is
    asked before most actions."""
    check = own_triggers_fire(names, place.ledger.rows(step.name, direction))
    if run(pg, check.whole).fetchone():
        place.require(pg, (check,), step, direction)


def _require_nothing_refused(place: ChainInSchema, step: Step, refused: tuple[str, ...]) -> None:
    if refused:
        raise CannotCarry(
            f"{place.label(step.name)} cannot begin; nothing has been changed:",
            differences=refused,
            hint="Fix these, then run the same command again.",
        )

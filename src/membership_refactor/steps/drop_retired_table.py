"""drop_retired_table: the archive is gone."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.gate import gates
from membership_refactor.checks.standing_on import nothing_stands_on_archive
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.handover.retired import recreate_retired
from membership_refactor.sql.members.known_members import forget_archive
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import drop_own
from membership_refactor.steps import old_shape
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.partition_roles import archive_again
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.stop_parallel_save import compares, parents_hold


def evidence(s: Situation) -> tuple[Check, ...]:
    return gates(s.names, s.revisions, "drop_retired_table")


def before_up(s: Situation) -> tuple[Check, ...]:
    return (nothing_stands_on_archive(s.names), *old_shape.before_dropping(s))


def up(s: Situation) -> tuple[Action, ...]:
    drop = Statement(
        f"DROP TABLE IF EXISTS {s.names.retired}", Lock.ACCESS_EXCLUSIVE, s.names.retired
    )
    return (
        Brief(
            key="drop_archive",
            title="Drop the archive",
            locks=((s.names.retired, Lock.ACCESS_EXCLUSIVE),),
            by_statements=old_shape.locked(s),
            statements=(
                drop,
                *drop_own(s.names, "refuse_retired"),
                *old_shape.dropped(s),
                *((forget_archive(s.names),) if s.names.partitioned else ()),
            ),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """Create the archive, empty. The downgrade of retire_source fills it from the child."""
    source = archive_again(s, s.before("retire_source").table(s.plan.source))
    return (
        Run(
            key="create_archive",
            title="Create the empty archive",
            statements=(EMPTY_SEARCH_PATH, *recreate_retired(s.names, source)),
        ),
        *old_shape.make_again(s),
    )


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("drop_retired_table"), without=(s.plan.retired,))


def _holds(s: Situation) -> tuple[Check, ...]:
    return parents_hold(s) if s.plan.parent else ()


def _compares(s: Situation) -> tuple[Comparison, ...]:
    return compares(s) if s.plan.parent else ()


STEP = Step(
    name="drop_retired_table",
    stage=Stage.CURRENT,
    up=up,
    down=down,
    becomes=becomes,
    before_up=before_up,
    holds=_holds,
    compares=_compares,
    notes=old_shape.notes_of_dropping,
    gates=evidence,
    text=RevisionText(
        title="Drop the retired table {retired}",
        deploy="When nobody needs the retired table any more.",
        locks=f"{{retired}} ACCESS EXCLUSIVE: {SHORT}.",
        undo="Creates the table, empty. The downgrade of {retire_source} fills it.",
    ),
)

"""The range job of an action: what runner and script do batch by batch."""

from __future__ import annotations

from membership_refactor.sql.build.ranges import RangeJob
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Build, Ranges


def range_job(action: Build | Ranges, names: Names, step: str, direction: str) -> RangeJob:
    """The ranges of ``action``, under the name that they have in the ledger."""
    job = f"{step} {direction} {action.key}"
    if isinstance(action, Ranges):
        return RangeJob(
            names=names,
            job=job,
            table=action.table,
            route=action.along,
            route_type=action.key_type,
            function=action.function,
            vacuum=action.vacuum,
        )
    build = action.build
    if action.popular:
        return RangeJob(
            names=names,
            job=job,
            table=build.log.table,
            route=build.log.key,
            route_type=build.log.key_type,
            function=build.function("build_popular"),
            only_if=f"EXISTS (SELECT FROM {build.popular})",
            locking=False,
        )
    return RangeJob(
        names=names,
        job=job,
        table=build.log.table,
        route=build.route,
        route_type=build.route_type,
        function=build.function("build"),
        null_function=build.function("build_null") if build.route_null else None,
        popular=build.popular if build.build_popular else None,
        locking=False,
    )

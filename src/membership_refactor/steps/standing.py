"""Standing checks: what has to hold while the chain stands at a revision, one by one."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.copied_rows import (
    copy_is_exact,
    links_match_keys,
    sequence_is_ahead,
)
from membership_refactor.checks.parents import (
    children_have_parents,
    keys_are_unique,
    parallel_checks,
    parents_follow_policies,
)
from membership_refactor.checks.rejoin import rejoined_equals_archive
from membership_refactor.checks.source_rows import policies_hold, unvalidated_checks_hold
from membership_refactor.portrait import Table
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.step import Situation


def standing_checks(s: Situation, revision: str) -> tuple[Check, ...]:
    """The checks over tables for the revision at which the chain stands."""
    plan, names = s.plan, s.names
    checks: list[Check] = []
    if revision < "0003":
        if s.now is not None and s.now.find(plan.source) is not None:
            checks += policies_hold(plan, names.source)
            checks += unvalidated_checks_hold(plan, s.now.table(plan.source))
            checks += _sequence(s, s.now.table(plan.source), names.source)
        return tuple(checks)
    source = s.source()
    if revision < "0005":
        checks.append(copy_is_exact(names, source))
    if revision < "0008":
        checks.append(links_match_keys(names, beside_source=revision < "0005"))
    checks += _sequence(s, source, names.copy)
    if revision == "0007":
        checks += (
            parents_follow_policies(names, s.child("0007")),
            children_have_parents(names),
            keys_are_unique(names),
        )
    if revision == "0008":
        checks += parallel_checks(names, s.child("0008"))
    if revision > "0008":
        checks += (children_have_parents(names), keys_are_unique(names))
    if "0008" <= revision < "0011" and plan.changed is not None:
        checks.append(rejoined_equals_archive(names, source))
    return tuple(checks)


def _sequence(s: Situation, table: Table, where: str) -> tuple[Check, ...]:
    sequence = table.column(s.plan.id).sequence
    if sequence is None:
        return ()
    return (sequence_is_ahead(s.plan, where, qualified(sequence.schema, sequence.name)),)

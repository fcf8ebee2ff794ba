"""Random tables go up, down and up again, and are compared with the model at every revision."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from membership_refactor.portrait import differences
from membership_refactor.testing.scratch_databases import Databases
from tests.chain import subjects
from tests.chain.driver import Chain, Snapshot, Subject, build, insert, snapshot
from tests.reference_model import rows as random
from tests.reference_model.split import Model, Rows


def repeated(rows: random.Rows) -> random.Rows:
    """Ids that are unique only together with the curriculum."""
    return [{**row, "id": n // 3, "curriculum_id": n % 3} for n, row in enumerate(rows)]


def at_one_time(rows: random.Rows, changed: str) -> random.Rows:
    return [{**row, changed: "2020-01-01 00:00:00+00"} for row in rows]


CASES: dict[str, tuple[Subject, st.SearchStrategy[random.Rows]]] = {
    "membership": (subjects.MEMBERSHIP, random.memberships),
    "membership changed at one time": (
        subjects.MEMBERSHIP,
        random.memberships.map(lambda rows: at_one_time(rows, "amended_date")),
    ),
    "odd changed at one time": (
        subjects.ODD,
        random.odd_rows(changed=None).map(lambda rows: at_one_time(rows, 'um "%d"')),
    ),
    "odd": (subjects.ODD, random.odd_rows(changed=subjects.ODD.plan.changed)),
    "unchanged": (subjects.UNCHANGED, random.odd_rows(changed=None)),
    "renamed": (subjects.RENAMED, random.memberships),
    "odd renamed": (
        subjects.ODD_RENAMED,
        random.odd_rows(changed=subjects.ODD.plan.changed),
    ),
    "membership in place": (subjects.IN_PLACE, random.memberships),
    "odd in place": (
        subjects.ODD_IN_PLACE,
        random.odd_rows(changed=subjects.ODD.plan.changed),
    ),
    "kept": (subjects.KEPT, random.memberships),
    "kept in place": (subjects.KEPT_IN_PLACE, random.memberships),
    "odd kept": (
        subjects.ODD_KEPT,
        random.odd_rows(changed=subjects.ODD.plan.changed, gaps=False),
    ),
    "composite": (subjects.COMPOSITE, random.memberships.map(repeated)),
    "composite in place": (subjects.COMPOSITE_IN_PLACE, random.memberships.map(repeated)),
    "composite renamed": (subjects.COMPOSITE_RENAMED, random.memberships.map(repeated)),
    "composite kept": (subjects.COMPOSITE_KEPT, random.memberships),
    "complete": (subjects.COMPLETE, random.odd_rows(changed=subjects.ODD.plan.changed, gaps=False)),
}
EXAMPLES = int(os.environ.get("CHAIN_EXAMPLES", "1"))
"""How many tables with rows."""
EMPTY = {"membership", "odd", "odd in place", "composite kept"}
"""A plain run takes these without rows as well; `-m slow` the others."""
# Without rows these are cases from above.
WITH_ROWS = {"membership changed at one time", "odd changed at one time"}


def nothing(connection: Any) -> None:
    """The tables stay empty."""


def expected_up(model: Model, revision: str) -> dict[str, Rows]:
    """What stands after the way up of ``revision``, by table."""
    plan = model.plan
    tables: dict[str, Rows] = {}
    if plan.copy is not None and revision <= "0010":
        tables[plan.source if revision <= "0004" else plan.retired] = model.source()
    if not plan.parent:
        return {**tables, plan.child: model.copy()}
    if revision <= "0007":
        tables[plan.child] = model.copy()
    else:
        tables[plan.child] = model.interim() if revision <= "0009" else model.current()
    if revision == "0006":
        tables[plan.parent] = {}
    elif revision >= "0007":
        tables[plan.parent] = model.parents()
    return tables


def expected_down(model: Model, revision: str) -> dict[str, Rows]:
    """What stands at ``revision`` when the next one has been taken back."""
    tables = expected_up(model, revision)
    if model.plan.copy is not None and revision >= "0005" and revision <= "0010":
        tables[model.plan.retired] = {}  # 0011's downgrade gives the structure
    if revision == "0009":
        tables[model.plan.child] = model.emptied()
    return tables


def assert_same(found: dict[str, Rows], expected: dict[str, Rows], place: str) -> None:
    """Both hold the same tables, rows and values; says which do not."""
    assert found.keys() == expected.keys(), place
    apart = [
        f"{table} {id} {column}: {row.get(column)!r}, expected {other.get(column)!r}"
        for table in found
        for id in sorted(found[table].keys() | expected[table].keys())
        for row, other in [(found[table].get(id, {}), expected[table].get(id, {}))]
        for column in sorted(row.keys() | other.keys())
        if row.get(column, "absent") != other.get(column, "absent")
    ]
    assert apart == [], place


def assert_alike(found: Snapshot, earlier: Snapshot, place: str) -> None:
    assert differences(earlier.portrait, found.portrait) == (), place
    triggers = {o for o in found.own if o.startswith("trigger")}
    assert triggers == {o for o in earlier.own if o.startswith("trigger")}, place


def unvalidated(chain: Chain, seen: Snapshot) -> Snapshot:
    """A CHECK over columns that 0010 gave back empty is valid once 0009 has filled them."""
    gone = set(chain.plan.leaving)
    tables = tuple(
        replace(
            table,
            constraints=tuple(
                replace(c, validated=False) if c.kind == "c" and gone & set(c.columns) else c
                for c in table.constraints
            ),
        )
        if table.name == chain.plan.child
        else table
        for table in seen.portrait.tables
    )
    return replace(seen, portrait=replace(seen.portrait, tables=tables))


def round_trip(chain: Chain) -> None:
    model = Model(chain.plan, chain.types(), list(chain.source().values()))
    start, revisions = chain.subject.start, chain.subject.revisions
    seen = {start: snapshot(chain)}
    for revision in revisions:
        chain.up(revision)
        seen[revision] = snapshot(chain)
        assert_same(seen[revision].tables, expected_up(model, revision), f"up to {revision}")
    for place, revision in enumerate(reversed(revisions)):
        goal = [start, *revisions][-2 - place]
        chain.down(revision)
        found = snapshot(chain)
        expected_rows = seen[start].tables if goal == start else expected_down(model, goal)
        assert_same(found.tables, expected_rows, f"down to {goal}")
        expected = unvalidated(chain, seen[goal]) if goal == "0009" else seen[goal]
        assert_alike(found, expected, f"down to {goal}")
    for revision in revisions:
        chain.up(revision)
        found = snapshot(chain)
        assert_same(found.tables, seen[revision].tables, f"up again to {revision}")
        assert_alike(found, seen[revision], f"up again to {revision}")


@pytest.mark.parametrize("case", CASES)
def test_every_revision_holds_what_the_rules_say_on_the_way_up_down_and_up_again(
    case: str, databases: Databases
) -> None:
    _, rows = CASES[case]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        # An example takes seconds: shrinking one would take many minutes.
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(rows=rows.filter(bool))
    def holds(rows: random.Rows) -> None:
        goes_round(case, rows, databases)

    holds()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case in EMPTY else pytest.mark.slow)
        for case in CASES
        if case not in WITH_ROWS
    ],
)
def test_so_do_tables_without_rows(case: str, databases: Databases) -> None:
    goes_round(case, [], databases)


def goes_round(case: str, rows: random.Rows, databases: Databases) -> None:
    subject, _ = CASES[case]
    with databases.temporary_copy_of(f"chain {case}", build(subject, nothing)) as url:
        chain = Chain(url, subject)
        with_rows(chain, rows)
        round_trip(chain)


def with_rows(chain: Chain, rows: random.Rows) -> None:
    import psycopg

    from membership_refactor.database import libpq_url

    with psycopg.connect(libpq_url(chain.url)) as connection:
        insert(chain.subject, rows)(connection)

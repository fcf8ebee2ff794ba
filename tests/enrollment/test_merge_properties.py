"""Random rows over small domains, merged, and compared with a model in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.undo import undo
from membership_refactor.plans.program_enrollment import IDENTITY, STATUSES
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.testing.scratch_databases import Databases
from tests.enrollment.tables import CURRICULA, PROGRAMS, contents, opened, run, unconstrained

PLAN = replace(IDENTITY, no_identity=("N/A",))
NOBODY = {"", "\u00a0", "n/a "}
"""Keys that identify nobody: blank, or a word of the plan in any case and with blanks around."""
UNIQUE = (
    "ALTER TABLE program_enrollment"
    " ADD CONSTRAINT uq_program_enrollment_user UNIQUE (user_id, program_uuid, curriculum_uuid),"
    " ADD CONSTRAINT uq_program_enrollment_key"
    " UNIQUE (external_user_key, program_uuid, curriculum_uuid)"
)


@dataclass
class Course:
    key: str
    enrolled: int | None
    status: str


@dataclass
class Learner:
    user: int | None
    key: str | None
    scope: tuple[int, int]
    status: str
    courses: list[Course] = field(default_factory=list)

    @property
    def known_by(self) -> set[tuple[str, int | str]]:
        """The identities that the row has."""
        user = {("user", self.user)} if self.user is not None else set()
        key = {("key", self.key)} if self.key is not None and self.key not in NOBODY else set()
        return user | key


courses = st.lists(
    st.builds(
        Course,
        st.sampled_from(["c1", "c2"]),
        st.one_of(st.none(), st.integers(1, 2)),
        st.sampled_from(["active", "inactive"]),
    ),
    max_size=2,
    unique_by=lambda course: course.key,
)
learners = st.lists(
    st.builds(
        Learner,
        st.one_of(st.none(), st.integers(1, 3)),
        st.one_of(st.none(), st.sampled_from(["a", "A", " a", *sorted(NOBODY)])),
        st.tuples(st.integers(0, 1), st.integers(0, 1)),
        st.sampled_from(STATUSES),
        courses,
    ),
    max_size=10,
)


def together(rows: list[Learner]) -> list[list[int]]:
    """Components by repeated comparison of everybody with everybody: slow and obvious."""
    group = list(range(len(rows)))
    for _ in rows:
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                if one.known_by & other.known_by and one.scope == other.scope:
                    group[i] = group[j] = min(group[i], group[j])
    return [
        [i for i, at in enumerate(group) if at == name]
        for name in sorted(set(group))
        if group.count(name) > 1
    ]


def mergeable(rows: list[Learner]) -> bool:
    kinds = [kind for kind, _ in set().union(*(row.known_by for row in rows))]
    if len(set(kinds)) < len(kinds):
        return False
    for course in {c.key for row in rows for c in row.courses}:
        enrolled = {c.enrolled for row in rows for c in row.courses if c.key == course}
        if len(enrolled - {None}) > 1:
            return False
    return True


def insert(engine: Engine, rows: list[Learner]) -> list[int]:
    ids = []
    with engine.begin() as connection:
        for row in rows:
            ((made,),) = run(
                connection,
                "INSERT INTO program_enrollment (user_id, external_user_key, program_uuid,"
                " curriculum_uuid, status) VALUES (%s, %s, %s, %s, %s) RETURNING id",
                row.user,
                row.key,
                PROGRAMS[row.scope[0]],
                CURRICULA[row.scope[1]],
                row.status,
            )
            ids.append(int(str(made)))
            for course in row.courses:
                run(
                    connection,
                    "INSERT INTO program_course_enrollment (program_enrollment_id, course_key,"
                    " course_enrollment_id, status) VALUES (%s, %s, %s, %s)",
                    made,
                    course.key,
                    course.enrolled,
                    course.status,
                )
    return ids


def children(engine: Engine) -> dict[Any, set[tuple[Any, ...]]]:
    found: dict[Any, set[tuple[Any, ...]]] = {}
    with engine.connect() as connection:
        for parent, *rest in run(
            connection,
            "SELECT program_enrollment_id, course_key, course_enrollment_id, status"
            " FROM program_course_enrollment",
        ):
            found.setdefault(parent, set()).add(tuple(rest))
    return found


def united(rows: list[Learner]) -> set[tuple[Any, ...]]:
    """What the learner takes: every course once, its enrollment if any row knows it, active if
    any row says so."""
    merged: dict[str, tuple[Any, ...]] = {}
    for course in (c for row in rows for c in row.courses):
        _, enrolled, status = merged.get(course.key, (None, None, "inactive"))
        active = "active" in (status, course.status)
        merged[course.key] = (
            course.key,
            enrolled if enrolled is not None else course.enrolled,
            "active" if active else "inactive",
        )
    return set(merged.values())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=learners)
def test_a_merge_keeps_every_fact_and_leaves_contradictions_as_they_are(
    databases: Databases, rows: list[Learner]
) -> None:
    with (
        databases.temporary_copy_of("enrollment unconstrained", unconstrained) as url,
        opened(url) as engine,
    ):
        ids = insert(engine, rows)
        before = contents(engine)
        report = merge(engine, PLAN, "public")

        groups = together(rows)
        open_groups = [group for group in groups if not mergeable([rows[i] for i in group])]
        closed = [group for group in groups if group not in open_groups]
        assert {tuple(sorted(left)) for left in report.left} == {
            tuple(ids[i] for i in group) for group in open_groups
        }
        assert report.merged == len(closed)

        after, taken = contents(engine), children(engine)
        with engine.connect() as connection:
            stands = {
                row[0]: row[1:]
                for row in run(
                    connection, "SELECT id, user_id, external_user_key FROM program_enrollment"
                )
            }
        for group in closed:
            survivors = [ids[i] for i in group if ids[i] in stands]
            assert len(survivors) == 1
            known = dict(set().union(*(rows[i].known_by for i in group)))
            # Where nobody has a key, the kept row's own value stays: NULL, or a blank that
            # `duplicates` names. A blank replaces nothing, and a key replaces it.
            own = rows[ids.index(survivors[0])].key
            assert stands[survivors[0]] == (known.get("user"), known.get("key", own))
            assert taken.get(survivors[0], set()) == united([rows[i] for i in group])
        touched = {ids[i] for group in closed for i in group}
        for table in before:
            parents = _parents(engine, before, table)
            unmoved = [row for row in before[table] if parents[row[0]] not in touched]
            assert [row for row in after[table] if row in unmoved] == unmoved
        if not open_groups:
            with engine.connect() as connection:
                key = IDENTITY.alternatives[1]
                run(connection, IdentityNames(PLAN, "public").clear_blanks(key))
                run(connection, UNIQUE)
                connection.rollback()

        again = merge(engine, PLAN, "public")
        assert (again.merged, contents(engine)) == (0, after)
        if report.merged:
            assert report.run is not None
            taken_back = undo(engine, PLAN, "public", report.run)
            assert (taken_back.undone, taken_back.refused) == (report.merged, {})
            assert contents(engine) == before


def _parents(
    engine: Engine, before: dict[str, list[tuple[object, ...]]], table: str
) -> dict[object, object]:
    """For each row before the merge, the enrollment that it belonged to."""
    if table == "program_enrollment":
        return {row[0]: row[0] for row in before[table]}
    # The composite's text begins (id,program_enrollment_id,...
    return {row[0]: int(str(row[1]).split(",")[1]) for row in before[table]}


@pytest.mark.parametrize("scope", ["program", "curriculum"])
def test_rows_of_different_scopes_are_never_one_component(
    unconstrained_engine: Engine, scope: str
) -> None:
    rows = [
        Learner(1, "a", (0, 0), "enrolled"),
        Learner(1, "a", (1, 0) if scope == "program" else (0, 1), "enrolled"),
    ]
    insert(unconstrained_engine, rows)
    assert merge(unconstrained_engine, IDENTITY, "public").merged == 0

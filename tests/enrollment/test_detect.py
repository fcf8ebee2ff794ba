"""What ``duplicates`` finds, and what it leaves out."""

from __future__ import annotations

import re

import psycopg
import pytest
from sqlalchemy import Engine

from membership_refactor.enrollment.detect import SETTINGS, findings
from membership_refactor.enrollment.duplicate_findings import Finding, Kind
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.unique_identity.detection import column_types, troubled_rows
from membership_refactor.sql.unique_identity.names import IdentityNames
from tests.enrollment.tables import CURRICULA, PROGRAMS, contents, enrol, run


def found(engine: Engine) -> list[Finding]:
    with engine.connect() as connection, connection.begin():
        return list(findings(connection, IDENTITY, "public"))


def by_kind(engine: Engine) -> dict[Kind, list[tuple[object, ...]]]:
    kinds: dict[Kind, list[tuple[object, ...]]] = {}
    for finding in found(engine):
        kinds.setdefault(finding.kind, []).append(finding.ids)
    return kinds


def test_waiting_learners_and_learners_without_key_are_not_duplicates_of_each_other(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        for number in range(3):
            enrol(connection, None, f"waiting {number}")
            enrol(connection, number, None)
    assert found(unconstrained_engine) == []


def test_a_user_without_key_and_a_waiting_key_share_nothing(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, None)
        enrol(connection, None, "k")
    assert found(unconstrained_engine) == []


def test_a_chain_of_shared_identities_is_one_contradictory_component(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        chain = [
            enrol(connection, 5, "e"),
            enrol(connection, 5, "f"),
            enrol(connection, 6, "f"),
        ]
        mergeable = [
            enrol(connection, 1, "a"),
            enrol(connection, 1, None),
            enrol(connection, None, "a"),
        ]
    assert by_kind(unconstrained_engine) == {
        Kind.CONTRADICTORY: [tuple(chain)],
        Kind.MERGEABLE: [tuple(mergeable)],
    }


def test_rows_without_identity_unknown_statuses_and_padded_keys_are_listed_one_by_one(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        nobody = enrol(connection, None, None)
        odd = enrol(connection, 1, None, status="withdrawn")
        padded = enrol(connection, None, "k\x0b")
        empty = enrol(connection, None, "")
        # A vertical tab is a blank and the letter v is none.
        enrol(connection, None, "vk")
    assert by_kind(unconstrained_engine) == {
        Kind.UNIDENTIFIED: [(nobody,)],
        Kind.STATUS: [(odd,)],
        Kind.PADDED: [(padded,)],
        Kind.BLANK: [(empty,)],
    }


def test_keys_that_differ_in_case_or_blanks_are_reported_and_not_merged(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        ids = [enrol(connection, None, key) for key in ("Éva", "éva", " éva ")]
        enrol(connection, None, "éva", program=PROGRAMS[1])
        twice = [enrol(connection, None, "éva", curriculum=CURRICULA[1]) for _ in range(2)]
    kinds = by_kind(unconstrained_engine)
    assert kinds[Kind.SPELLINGS] == [tuple(ids)]
    assert kinds[Kind.MERGEABLE] == [tuple(twice)]
    (spelled,) = (f for f in found(unconstrained_engine) if f.kind is Kind.SPELLINGS)
    assert "' éva '" in spelled.detail


def test_children_that_would_collide_are_named_and_judged(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        one = enrol(connection, 1, "k", courses=("same", "other"))
        two = enrol(connection, 1, None, courses=("same",))
        run(
            connection,
            "UPDATE program_course_enrollment SET course_enrollment_id = id"
            " WHERE course_key = 'same' AND program_enrollment_id = %s",
            one,
        )
    (finding,) = found(unconstrained_engine)
    assert finding.ids == (one, two)
    assert [member.children for member in finding.members] == [2, 1]
    (collision,) = finding.collisions
    assert (collision.table, collision.key, collision.agree) == (
        "program_course_enrollment",
        ("same",),
        True,
    )
    with unconstrained_engine.begin() as connection:
        run(connection, "UPDATE program_course_enrollment SET course_enrollment_id = id")
    (finding,) = found(unconstrained_engine)
    assert [c.agree for c in finding.collisions] == [False]


def test_a_table_that_row_security_hides_from_the_reader_is_not_called_clean(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        run(connection, "CREATE ROLE reader_of_some NOLOGIN")
        run(connection, "GRANT SELECT ON program_enrollment TO reader_of_some")
        run(connection, "ALTER TABLE program_enrollment ENABLE ROW LEVEL SECURITY")
        run(connection, "SET LOCAL ROLE reader_of_some")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            list(findings(connection, IDENTITY, "public"))
        connection.rollback()


def test_looking_changes_nothing(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "k")
        enrol(connection, 1, "k")
    before = contents(unconstrained_engine)
    with unconstrained_engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        assert len(list(findings(connection, IDENTITY, "public"))) == 1
    assert contents(unconstrained_engine) == before


def test_however_large_the_table_looks_suspects_are_looked_up_by_hash(
    unconstrained_engine: Engine,
) -> None:
    """Else the list of suspects would be read again for every row: from some 25 million rows on
    PostgreSQL expected it to be too large for a hash table."""
    names = IdentityNames(IDENTITY, "public")
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "k")
        run(connection, "ANALYZE program_enrollment")
        run(connection, "SET LOCAL allow_system_table_mods = on")
        run(
            connection,
            "UPDATE pg_class SET reltuples = 1e9, relpages = 1 WHERE relname = 'program_enrollment'"
            " AND relnamespace = 'public'::regnamespace",
        )
        for setting in SETTINGS:
            run(connection, setting)
        types = {str(name): str(kind) for name, kind in run(connection, column_types(names))}
        plan = "\n".join(
            str(line) for (line,) in run(connection, f"EXPLAIN {troubled_rows(names, types)}")
        )
    assert re.search(r"Seq Scan on program_enrollment.*rows=\d{9}", plan), plan
    asked = re.findall(r"\(?(\w*) ?SubPlan \d+\)", plan)
    assert asked == ["hashed", "hashed"], plan


def test_a_padded_key_meets_its_plain_spelling_whatever_the_case(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        padded = enrol(connection, None, "  Key\t", status="unknown")
        plain = enrol(connection, 1, "kEY")
        enrol(connection, 2, "other")
        lonely = enrol(connection, 3, " lonely")
    assert by_kind(unconstrained_engine) == {
        Kind.SPELLINGS: [(padded, plain)],
        Kind.PADDED: [(padded,), (lonely,)],
        Kind.STATUS: [(padded,)],
    }

"""One enrollment, several keys: the optional chain, its guards, and what the application does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from membership_refactor.enrollment.enrolling import Request, write_enrollments
from membership_refactor.enrollment.further_keys import attach_key, detach_key, find_by_key
from membership_refactor.enrollment.linking import link
from membership_refactor.enrollment.outcomes import Outcome, Result, Scope
from membership_refactor.models.several_keys import SeveralKeysBase
from tests.enrollment.interruption import INTERRUPTION, interrupted
from tests.enrollment.tables import CURRICULA, PROGRAMS, constrained, enrol, opened, run
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage

SCOPE = Scope(PROGRAMS[0], CURRICULA[0])
KEYS = """
SELECT k.enrollment_id, a.name, i.external_key, k.own
FROM enrollment_key AS k JOIN external_identity AS i ON i.id = k.identity_id
JOIN key_authority AS a ON a.id = i.authority_id ORDER BY 1, 2, 3
"""


def config(engine: Engine) -> Config:
    made = Config()
    made.set_main_option("script_location", "membership_refactor:_several_keys")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = engine
    return made


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("enrollment constrained", constrained)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with opened(url) as engine:
        yield engine


@pytest.fixture
def keyed(template_database: TemplateDatabase) -> Iterator[Engine]:
    def build(url: str) -> None:
        constrained(url)
        with opened(url) as engine:
            command.upgrade(config(engine), "head")

    with opened(template_database("enrollment keys", build)) as engine:
        yield engine


def keys(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return run(connection, KEYS)


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_the_chain_takes_over_the_keys_that_are_there_and_goes_again(engine: Engine) -> None:
    before = tables(engine)
    with engine.begin() as connection:
        one = enrol(connection, 1, "a")
        two = enrol(connection, None, "b")
        enrol(connection, 3, None)
    command.upgrade(config(engine), "head")
    assert keys(engine) == [(one, "default", "a", True), (two, "default", "b", True)]
    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": _own_tables}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, SeveralKeysBase.metadata) == []
    command.downgrade(config(engine), "base")
    assert tables(engine) - before == {"alembic_version_several_keys"}
    command.upgrade(config(engine), "head")
    assert len(keys(engine)) == 2


def _own_tables(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name in SeveralKeysBase.metadata.tables


def test_it_needs_the_constraints_of_the_main_chain(unconstrained_engine: Engine) -> None:
    with pytest.raises(CommandError, match="identity constraints stand"):
        command.upgrade(config(unconstrained_engine), "head")


def test_a_further_key_keeps_the_tables(keyed: Engine) -> None:
    with Session(keyed) as session, session.begin():
        row = enrol(session.connection(), 1, "a")
        attach_key(session, row, "gatech", "x")
    with pytest.raises(CommandError, match="no further keys"):
        command.downgrade(config(keyed), "base")
    with Session(keyed) as session, session.begin():
        assert detach_key(session, row, "gatech", "x").result is Result.UNLINKED
    command.downgrade(config(keyed), "base")


def test_own_keys_follow_every_write_of_the_enrollment(keyed: Engine) -> None:
    with keyed.begin() as connection:
        row = enrol(connection, 1, "a")
        run(connection, "UPDATE program_enrollment SET external_user_key = 'b'")
    assert keys(keyed) == [(row, "default", "b", True)]
    with keyed.begin() as connection:
        run(connection, "UPDATE program_enrollment SET program_uuid = %s", PROGRAMS[1])
        run(connection, "UPDATE program_enrollment SET curriculum_uuid = %s", CURRICULA[1])
        moved = run(connection, "SELECT program_uuid, curriculum_uuid FROM enrollment_key")
    assert moved == [(PROGRAMS[1], CURRICULA[1])]
    with keyed.begin() as connection:
        run(connection, "UPDATE program_enrollment SET external_user_key = NULL")
    assert keys(keyed) == []
    with keyed.begin() as connection:
        enrol(connection, None, "c")
        run(connection, "DELETE FROM program_enrollment")
    assert keys(keyed) == []


def test_a_further_key_finds_the_enrollment_and_nobody_else_can_have_it(keyed: Engine) -> None:
    with Session(keyed) as session:
        row = enrol(session.connection(), 1, "a")
        assert attach_key(session, row, "default", "x") == Outcome(Result.LINKED, row)
        assert attach_key(session, row, "default", "x").result is Result.ALREADY_LINKED
        assert attach_key(session, row, "default", " x").result is Result.INVALID_KEY
        assert attach_key(session, row + 1, "default", "y").result is Result.NOT_FOUND
        found = find_by_key(session, SCOPE, "default", "x")
        assert found is not None and found.id == row
        # As an enrollment's own key it is taken, for every way of writing one.
        (outcome,) = write_enrollments(session, SCOPE, [Request(external_user_key="x")])
        assert (outcome.result, outcome.enrollment) == (Result.CONFLICT, row)
        with pytest.raises(IntegrityError), session.begin_nested():
            enrol(session.connection(), None, "x")
        # In another program, and from another authority, the same text is somebody else.
        enrol(session.connection(), None, "x", program=PROGRAMS[1])
        other = enrol(session.connection(), 2, None)
        assert attach_key(session, other, "elsewhere", "x").result is Result.LINKED
        assert attach_key(session, other, "default", "x").result is Result.CONFLICT


def test_the_waiting_enrollment_of_a_second_key_becomes_part_of_the_first(keyed: Engine) -> None:
    with Session(keyed) as session, session.begin():
        waiting = enrol(session.connection(), None, "old", courses=("c1", "c2"))
        row = enrol(session.connection(), 1, "new", courses=("c1",))
        attach_key(session, waiting, "gatech", "old too")
        assert attach_key(session, row, "default", "old").result is Result.CONFLICT
        outcome = attach_key(session, row, "default", "old", unite=True)
        assert outcome.result is Result.UNITED
    assert keys(keyed) == [
        (row, "default", "new", True),
        (row, "default", "old", False),
        (row, "gatech", "old too", False),
    ]
    with keyed.connect() as connection:
        courses = run(
            connection,
            "SELECT program_enrollment_id, course_key FROM program_course_enrollment ORDER BY 2",
        )
    assert courses == [(row, "c1"), (row, "c2")]


def test_a_realised_enrollment_is_never_taken_over_with_its_key(keyed: Engine) -> None:
    with Session(keyed) as session:
        row = enrol(session.connection(), 1, "a")
        other = enrol(session.connection(), 2, "b")
        outcome = attach_key(session, row, "default", "b", unite=True)
        assert (outcome.result, outcome.enrollment) == (Result.CONFLICT, other)


def test_uniting_by_a_link_keeps_the_further_keys_of_the_waiting_row(keyed: Engine) -> None:
    with Session(keyed) as session, session.begin():
        row = enrol(session.connection(), 1, None)
        waiting = enrol(session.connection(), None, "k")
        attach_key(session, waiting, "gatech", "x")
        assert link(session, SCOPE, {"k": 1}, unite=True)["k"].result is Result.UNITED
    assert keys(keyed) == [(row, "default", "k", True), (row, "gatech", "x", False)]


def test_a_program_that_is_given_to_another_authority_takes_its_keys_along(keyed: Engine) -> None:
    with keyed.begin() as connection:
        row = enrol(connection, 1, "a")
        other = enrol(connection, 1, "a", program=PROGRAMS[1])
        run(connection, "INSERT INTO key_authority (name) VALUES ('gatech')")
        run(
            connection,
            "UPDATE program_authority SET authority_id ="
            " (SELECT id FROM key_authority WHERE name = 'gatech') WHERE program_uuid = %s",
            PROGRAMS[0],
        )
    assert keys(keyed) == [(row, "gatech", "a", True), (other, "default", "a", True)]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_two_enrollments_never_get_one_key_at_the_same_time(
    keyed: Engine, on_stage: Callable[[str], Stage], isolation: str
) -> None:
    with keyed.begin() as connection:
        row = enrol(connection, 1, None)
    values = f"'{PROGRAMS[0]}', '{CURRICULA[0]}'"
    own = (
        "INSERT INTO program_enrollment (user_id, external_user_key, program_uuid,"
        f" curriculum_uuid, status) VALUES (2, 'x', {values}, 'enrolled')"
    )
    with keyed.begin() as connection:
        run(
            connection,
            "INSERT INTO external_identity (authority_id, external_key)"
            " SELECT id, 'x' FROM key_authority",
        )
        run(
            connection,
            "INSERT INTO program_authority SELECT %s, id FROM key_authority",
            PROGRAMS[0],
        )
    further = (
        "INSERT INTO enrollment_key (enrollment_id, identity_id, program_uuid, curriculum_uuid)"
        f" SELECT {row}, id, {values} FROM external_identity"
    )
    stage = on_stage(keyed.url.render_as_string(hide_password=False))
    one, two = stage.race(further, own, isolation)
    assert one == "" and two in ("23505", "40001")
    assert [key[3] for key in keys(keyed)] == [False]


@pytest.mark.slow
def test_interrupted_at_every_statement_and_run_again_the_keys_are_complete(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        for number in range(3):
            enrol(connection, number, f"k{number}")
    with interrupted(monkeypatch) as counter:
        command.upgrade(config(engine), "head")
    whole = keys(engine)
    for number in range(1, counter.count, 2):
        command.downgrade(config(engine), "base")
        with (
            pytest.raises((*INTERRUPTION, CommandError)),
            interrupted(monkeypatch, after=number),
        ):
            command.upgrade(config(engine), "head")
        engine.dispose()
        command.upgrade(config(engine), "head")
        assert [key[1:] for key in keys(engine)] == [key[1:] for key in whole], number

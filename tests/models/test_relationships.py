"""The models in a Session, as an application uses them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import ModuleType

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from membership_refactor.models import current, interim, legacy
from tests.fixtures.databases import NewDatabase

SPLIT_STAGES = [interim, current]


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = create_engine(new_database())
    yield engine
    engine.dispose()


def membership(stage: ModuleType, engine: Engine, *, curricula: int = 2) -> uuid.UUID:
    """Commits one membership with its curricula; returns the uuid."""
    stage.Base.metadata.create_all(engine)
    with Session(engine) as session:
        programme = stage.Programme(programme_name="Cardiology")
        made = stage.ProgrammeMembership(
            person=stage.Person(surname="Okafor"),
            programme=programme,
            programme_start_date=date(2022, 8, 3),
            assigned_rotation=stage.Rotation(programme=programme, name="St Mary's"),
            training_number=stage.TrainingNumber(training_number="YAH/1/2/C"),
            curriculum_memberships=[
                stage.CurriculumMembership(curriculum=stage.Curriculum(name=f"Curriculum {n}"))
                for n in range(curricula)
            ],
        )
        session.add(made)
        session.commit()
        identity: uuid.UUID = made.uuid
        return identity


def test_a_person_has_a_legacy_row_for_each_curriculum(engine: Engine) -> None:
    legacy.Base.metadata.create_all(engine)
    with Session(engine) as session:
        person, programme = legacy.Person(), legacy.Programme()
        for name in ("Cardiology", "General Internal Medicine"):
            row = legacy.ProgrammeMembership(
                programme=programme, curriculum=legacy.Curriculum(name=name)
            )
            person.programme_memberships.append(row)
        session.add(person)
        session.commit()
    with Session(engine) as session:
        (found,) = session.scalars(select(legacy.Person))
        names = {row.curriculum.name for row in found.programme_memberships}
        assert names == {"Cardiology", "General Internal Medicine"}
        assert all(row.assigned_rotation is None for row in found.programme_memberships)


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_a_membership_is_reached_from_person_programme_and_curriculum(
    engine: Engine, stage: ModuleType
) -> None:
    identity = membership(stage, engine)
    with Session(engine) as session:
        (person,) = session.scalars(select(stage.Person))
        (found,) = person.programme_memberships
        assert found.uuid == identity
        assert found.programme.programme_memberships == [found]
        assert found.assigned_rotation.programme is found.programme
        assert found.training_number.training_number == "YAH/1/2/C"
        ids = [child.id for child in found.curriculum_memberships]
        assert ids == sorted(ids)
        for child in found.curriculum_memberships:
            assert child.programme_membership is found
            assert child.curriculum.curriculum_memberships == [child]


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_an_applications_uuid_is_not_of_the_tools_version(
    engine: Engine, stage: ModuleType
) -> None:
    assert membership(stage, engine).version == 4


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_an_insert_that_names_no_uuid_gets_one_of_version_4(
    engine: Engine, stage: ModuleType
) -> None:
    membership(stage, engine)
    with engine.begin() as connection:
        found = connection.exec_driver_sql(
            "INSERT INTO programme_membership (person_id, programme_id)"
            " SELECT person_id, programme_id FROM programme_membership RETURNING uuid"
        ).scalar_one()
    assert isinstance(found, uuid.UUID)
    assert found.version == 4


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_the_database_refuses_to_delete_a_membership_that_has_curricula(
    engine: Engine, stage: ModuleType
) -> None:
    identity = membership(stage, engine)
    with Session(engine) as session:
        found = session.get_one(stage.ProgrammeMembership, identity)
        assert len(found.curriculum_memberships) == 2
        session.delete(found)
        with pytest.raises(IntegrityError, match="fk_curriculum_membership_programme_membership"):
            session.flush()


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_a_membership_goes_after_its_curricula(engine: Engine, stage: ModuleType) -> None:
    identity = membership(stage, engine)
    with Session(engine) as session:
        found = session.get_one(stage.ProgrammeMembership, identity)
        for child in found.curriculum_memberships:
            session.delete(child)
        session.delete(found)
        session.commit()
        assert session.scalars(select(stage.CurriculumMembership)).all() == []
        assert session.scalars(select(stage.ProgrammeMembership)).all() == []


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_a_curriculum_moves_to_another_membership(engine: Engine, stage: ModuleType) -> None:
    identity = membership(stage, engine)
    with Session(engine) as session:
        found = session.get_one(stage.ProgrammeMembership, identity)
        other = stage.ProgrammeMembership(person=found.person, programme=found.programme)
        session.add(other)
        moved = found.curriculum_memberships[0]
        other.curriculum_memberships.append(moved)
        session.commit()
        assert moved.programme_membership_uuid == other.uuid
        assert len(found.curriculum_memberships) == 1


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_two_memberships_with_the_same_gaps_are_one_too_many(
    engine: Engine, stage: ModuleType
) -> None:
    identity = membership(stage, engine)
    with Session(engine) as session:
        found = session.get_one(stage.ProgrammeMembership, identity)
        session.add(
            stage.ProgrammeMembership(
                person=found.person,
                programme=found.programme,
                programme_start_date=found.programme_start_date,
            )
        )
        with pytest.raises(IntegrityError, match="uq_programme_membership_key"):
            session.flush()


@pytest.mark.parametrize("stage", SPLIT_STAGES)
def test_an_update_sets_the_amended_date(engine: Engine, stage: ModuleType) -> None:
    identity = membership(stage, engine)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with Session(engine) as session:
        found = session.get_one(stage.ProgrammeMembership, identity)
        found.amended_date = long_ago
        session.commit()
        found.leaving_reason = "Resigned"
        session.commit()
        assert found.amended_date > long_ago

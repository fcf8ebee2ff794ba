"""Autogenerate proposes nothing that belongs to the steps, and everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from membership_refactor.planning.shapes import Shape
from tests.cli.processes import query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import FIRST, PLANS, Project, Revision, new_project

LEGACY = """
from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Integer, MetaData, Table, Text

metadata = MetaData()
Table(
    "order_line", metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("ordered_on", Date, nullable=False),
    Column("note", Text),
    Column("sku", Text),
    Column("quantity", Integer),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
"""
CURRENT = """
from sqlalchemy import (
    BigInteger, Column, Date, DateTime, Identity, Integer, MetaData, Table, Text, Uuid,
)

metadata = MetaData()
Table(
    "purchase", metadata,
    Column("uuid", Uuid, primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("ordered_on", Date, nullable=False),
    Column("note", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
Table(
    "item", metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("sku", Text),
    Column("quantity", Integer),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("purchase_uuid", Uuid, nullable=False),
)
"""
IN_PLACE = CURRENT.replace('"item"', '"order_line"')
MORE = '\nTable("shelf", metadata, Column("id", Integer, primary_key=True))\n'


def modelled(folder: Path, url: str, *, schemas: bool = False) -> Project:
    """A project whose models are those of the wide table."""
    project = new_project(folder, url, revisions=(FIRST,))
    (folder / "shop_models.py").write_text(LEGACY)
    project.edit("target_metadata = None", "from shop_models import metadata as target_metadata")
    if schemas:
        project.edit(
            "target_metadata=target_metadata",
            "target_metadata=target_metadata, include_schemas=True",
        )
    return project


@contextmanager
def at(project: Project, models: str) -> Iterator[Config]:
    (project.folder / "shop_models.py").write_text(models)
    with project.in_process("accept-usage=a test") as config:
        yield config


def proposed(config: Config) -> list[str]:
    """What `alembic check` complains of."""
    try:
        command.check(config)
    except CommandError as error:
        assert "New upgrade operations detected" in str(error)
        return [str(error)]
    return []


RENAMED = LEGACY.replace('"order_line"', '"item"')
RENAME = """
from membership_refactor import TableSplit

ORDERS = TableSplit(
    name="orders", source="order_line", copy="item",
    child_columns=("customer_id", "ordered_on", "note", "sku", "quantity"), changed="updated_at",
)
"""
OF_SHAPE = {
    Shape.SPLIT: (PLANS, CURRENT),
    Shape.IN_PLACE: (PLANS.replace('    copy="item",\n', ""), IN_PLACE),
    Shape.RENAME: (RENAME, RENAMED),
}
"""By shape: the plan, and the models after its last step."""


@pytest.mark.slow
@pytest.mark.parametrize("schemas", (False, True), ids=("one schema", "all schemas"))
@pytest.mark.parametrize("shape", (Shape.SPLIT, Shape.IN_PLACE, Shape.RENAME), ids=str)
def test_nothing_of_a_plan_is_proposed_at_any_stage(
    tmp_path: Path, new_database: NewDatabase, shape: Shape, schemas: bool
) -> None:
    project = modelled(tmp_path, new_database(), schemas=schemas)
    plans, current = OF_SHAPE[shape]
    (project.folder / "shop_plans.py").write_text(plans)
    with at(project, LEGACY) as config:
        command.upgrade(config, "head")
        assert proposed(config) == []
    for number, step in enumerate(shape.steps):
        project.add(Revision.step(f"s{number}_{step}", step))
        for models in (LEGACY, current):
            with at(project, models) as config:
                command.upgrade(config, "head")
                if step != shape.steps[-1]:
                    assert proposed(config) == [], (step, models)
                    continue
        with at(project, LEGACY + MORE) as config:
            assert "shelf" in str(proposed(config))
    with at(project, LEGACY) as config:
        # The plan has ended: what the models say counts again.
        said = str(proposed(config))
        assert ("order_line" in said or "note" in said) and "_refactor" not in said


def test_before_the_first_step_models_may_be_ahead_and_other_columns_count(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = modelled(tmp_path, new_database())
    with at(project, LEGACY) as config:
        command.upgrade(config, "head")
    project.add(Revision("b2_copy", "pass"))
    named = '("copy_table", ORDERS)'
    file = project.folder / "migrations/versions/b2_copy.py"
    file.write_text(file.read_text() + f"\n\nrefactoring = [{named}]\n")
    with at(project, CURRENT) as config:
        command.stamp(config, "head")
        assert proposed(config) == []
    with at(project, LEGACY.replace('"sku"', '"stock_number"')) as config:
        said = str(proposed(config))
        assert "stock_number" in said and "sku" in said


def test_without_the_plugin_the_same_is_proposed(tmp_path: Path, new_database: NewDatabase) -> None:
    """A project that lists its plugins itself names this one, or it is not asked."""
    project = modelled(tmp_path, new_database(), schemas=True)
    project.add(Revision.step("b2_copy", "copy_table"))
    own = '"alembic.autogenerate.tables", "alembic.autogenerate.schemas"'
    project.edit("include_schemas=True", f"include_schemas=True, autogenerate_plugins=[{own}]")
    with at(project, LEGACY) as config:
        command.upgrade(config, "head")
        said = str(proposed(config))
        assert "item" in said and "public_refactor" in said
    ours = '"alembic.autogenerate.membership_refactor"'
    project.edit(own, f"{own}, {ours}")
    with at(project, LEGACY) as config:
        assert proposed(config) == []


def test_a_plan_that_is_not_of_this_project_is_left_to_its_project(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = modelled(tmp_path, new_database())
    with at(project, LEGACY) as config:
        command.upgrade(config, "head")
    query(project.url, "CREATE TABLE item ()")
    with at(project, LEGACY) as config:
        assert "item" in str(proposed(config))

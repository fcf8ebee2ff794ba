"""Databases with generated memberships, and the scripts for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.demo.data import load
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_tables
from tests.chain.driver import OPTIONS, Chain, Subject, build
from tests.fixtures.databases import TemplateDatabase
from tests.offline.scripts import Script

ROWS = 3_000
FASTER = replace(OPTIONS, batch_rows=200)
SUBJECT = Subject(
    plan=SPLIT,
    schema="public",
    create=(EMPTY_SEARCH_PATH.text, *(s.text for s in create_tables(legacy_tables("public")))),
)


def _fill(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET LOCAL search_path = public")
    load(connection, rows=ROWS, seed=1)


@pytest.fixture
def script(online: Chain, template_database: TemplateDatabase) -> Script:
    """Memberships in the legacy tables, and their scripts, made without looking at them."""
    url = template_database("offline", build(SUBJECT, _fill))
    return Script(replace(online, url=url), legacy_tables("public"))


@pytest.fixture
def subject() -> Subject:
    """The shipped plan; a test may ask for another one on the same tables."""
    return SUBJECT


@pytest.fixture
def online(subject: Subject, template_database: TemplateDatabase) -> Chain:
    """The same database again, for the runner."""
    return Chain(template_database("offline", build(SUBJECT, _fill)), subject, FASTER)

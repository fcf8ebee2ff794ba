"""The scripts of a plan with a view of the old shape do what its steps do."""

from __future__ import annotations

import pytest

from membership_refactor.plans.legacy_tables import legacy_tables
from tests.chain.driver import REVISIONS, Chain, build, snapshot
from tests.chain.subjects import with_old_shape
from tests.fixtures.databases import TemplateDatabase
from tests.offline.conftest import FASTER, SUBJECT, _fill
from tests.offline.scripts import Script
from tests.offline.test_end_state import assert_same

OLD_SHAPE = with_old_shape(SUBJECT)
TEXT = "SELECT pg_get_viewdef(to_regclass('public_old.programme_membership'))"


def chain(template_database: TemplateDatabase) -> Chain:
    return Chain(template_database("offline", build(SUBJECT, _fill)), OLD_SHAPE, FASTER)


def view(found: Chain) -> str:
    """The text of the view, less the moment from which on changes of the parent count."""
    text = found.value(TEXT) or ""
    return "".join(c for c in text if not c.isdigit())


def test_every_step_by_script_is_every_step_online(template_database: TemplateDatabase) -> None:
    online = chain(template_database)
    script = Script(chain(template_database), legacy_tables("public"))
    for revision in REVISIONS:
        script.up(revision).fine()
        online.up(revision)
        assert_same(snapshot(script.chain), snapshot(online))
        assert view(script.chain) == view(online), revision
    for revision in reversed(REVISIONS):
        script.down(revision).fine()
        online.down(revision)
        assert_same(snapshot(script.chain), snapshot(online))
        assert view(script.chain) == view(online), revision
    assert view(online) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP VIEW public_old.programme_membership", ("old-shape view", "is missing")),
        (
            "CREATE VIEW public.report AS SELECT id FROM public_old.programme_membership",
            ("nothing hangs on the view of the old shape", "view public.report"),
        ),
    ],
    ids=["dropped", "read by another view"],
)
def test_a_script_stops_at_what_is_in_its_way(
    template_database: TemplateDatabase, change: str, words: tuple[str, ...]
) -> None:
    found = chain(template_database)
    found.up_to("0010")
    found.run(change)
    Script(found, legacy_tables("public")).up("0011").stopped(*words)

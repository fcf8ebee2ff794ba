"""The view of the old shape: readers that lag behind find the rows that were there, and no more.

It stands from 0005 to 0010 under the old name, in a schema of its own.
"""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.checks.guard import guard
from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed, PlanError
from membership_refactor.inspect.all_comparisons import repair_objects
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.sql.quoting import ident
from tests.chain.driver import Chain, Subject, build, insert, said, snapshot
from tests.chain.fixed import FIXED, hard_rows
from tests.chain.subjects import (
    IN_PLACE,
    MEMBERSHIP,
    ODD_SCHEMA,
    OLD_SHAPE,
    OLD_SHAPE_COMPOSITE,
    OLD_SHAPE_KEPT,
    OLD_SHAPE_ODD,
    OLD_SHAPE_RENAMED,
)
from tests.chain.test_row_security import OWNER, owned_by
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import odd_rows
from tests.reference_model.split import Rows

VIEW, CHILD, PARENT = (
    "public_old.programme_membership",
    "public.curriculum_membership",
    "public.programme_membership",
)
STANDS = ("0005", "0006", "0007", "0008", "0009", "0010")
OVER_CHILD, OVER_BOTH = STANDS[:4], STANDS[4:]


NAMES = {
    id(OLD_SHAPE): "old shape",
    id(OLD_SHAPE_COMPOSITE): "old shape composite",
    id(OLD_SHAPE_KEPT): "old shape kept",
    id(OLD_SHAPE_ODD): "old shape odd",
    id(OLD_SHAPE_RENAMED): "old shape renamed",
}


def standing(chain_at: ChainAt, revision: str, *, subject: Subject = OLD_SHAPE) -> Chain:
    rows = odd_rows() if subject is OLD_SHAPE_ODD else hard_rows()
    own = subject in (OLD_SHAPE_ODD, OLD_SHAPE_COMPOSITE)
    first = build(subject, insert(subject, rows)) if own else FIXED
    return chain_at(revision, subject=subject, name=NAMES[id(subject)], first=first)


def seen(chain: Chain) -> Rows:
    return chain.rows(chain.names.old_shape, *chain.plan.ids)


def there(chain: Chain) -> bool:
    return bool(
        chain.value(f"SELECT to_regnamespace('{ident(chain.names.old_schema)}') IS NOT NULL")
    )


def wide(chain: Chain, revision: str = "0010") -> Rows:
    """The rows of the old shape at that place, put together from the tables alone. Before 0008
    the values of the children may disagree with the parent's."""
    plan = chain.plan
    parents = chain.parents() if plan.parent and revision >= "0008" else {}
    found = {}
    for key, row in chain.child().items():
        parent = parents.get(row.pop(plan.link, None) or "", {})
        found[key] = row | {c: parent[c] for c in plan.leaving if c in parent}
    return found


def question(chain: Chain, name: str) -> int:
    checks = StandingChecks(chain.runner(), models=lambda _: ())
    return checks.chosen([name])[0].ask().broken


ROWS = "the view of the old shape has every row"
COLUMNS = "the view of the old shape has every column"


@pytest.mark.parametrize(
    "subject",
    [OLD_SHAPE, OLD_SHAPE_KEPT, OLD_SHAPE_COMPOSITE],
    ids=["plain", "kept columns", "id of two columns"],
)
def test_at_each_revision_it_has_the_rows_that_were_there_and_their_types(
    chain_at: ChainAt, subject: Subject
) -> None:
    before = standing(chain_at, "0004", subject=subject)
    types = before.types()
    assert not there(before)
    chain = standing(chain_at, "0005", subject=subject)
    assert seen(chain) == before.source()
    for revision in STANDS[1:]:
        chain.up(revision)
        assert seen(chain) == wide(chain, revision), revision
        found = dict(
            chain.query(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
                f"WHERE attrelid = '{VIEW}'::regclass ORDER BY attnum"
            )
        )
        assert list(found.items()) == list(types.items()), revision
    chain.up("0011")
    assert not there(chain)
    chain.down("0011")
    assert seen(chain) == wide(chain)


def test_names_full_of_quotes_and_percent_signs(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0004", subject=OLD_SHAPE_ODD)
    before = chain.source()
    chain.up("0005")
    assert chain.names.old_schema == f"{ODD_SCHEMA}_old"
    assert seen(chain) == before
    chain.up_to("0010", after="0005")
    assert seen(chain) == wide(chain)
    chain.up("0011")
    chain.down_to("0004")
    assert chain.source() == before
    assert not there(chain)


def test_a_table_that_only_gets_another_name(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0004", subject=OLD_SHAPE_RENAMED)
    before = chain.source()
    chain.up("0005")
    assert seen(chain) == before
    chain.run(f"UPDATE {VIEW} SET rotation = 'by the old name'")
    assert {row["rotation"] for row in chain.child().values()} == {"by the old name"}
    chain.up("0011")
    assert not there(chain)
    chain.down("0011")
    assert seen(chain) == chain.child()


def test_down_and_up_again_leave_what_one_way_up_has_left(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0010")
    first, view = snapshot(chain), seen(chain)
    text = f"SELECT pg_get_viewdef('{VIEW}'::regclass) LIKE '%JOIN%'"
    for revision in ("0010", "0009"):
        assert chain.value(text)
        chain.down(revision)
    assert not chain.value(text)
    for revision in ("0008", "0007", "0006", "0005"):
        assert seen(chain) == wide(chain, revision), revision
        chain.down(revision)
    assert not there(chain)
    chain.down("0004", "0003")
    chain.up_to("0010")
    assert seen(chain) == view
    assert snapshot(chain) == first


def test_without_the_option_nothing_of_it_is_made(chain_at: ChainAt) -> None:
    chain = chain_at("0010")
    assert not there(chain)
    assert not [name for name in chain.own_objects() if "old_shape" in name]


def test_a_table_that_is_split_in_place_has_no_such_view() -> None:
    with pytest.raises(PlanError, match=r"no step would take the view away\. Leave old_shape_view"):
        replace(IN_PLACE.plan, old_shape_view=True)


def test_the_option_is_part_of_the_plan_and_a_plan_without_it_is_the_same_as_ever() -> None:
    assert OLD_SHAPE.plan.fingerprint != MEMBERSHIP.plan.fingerprint
    assert replace(OLD_SHAPE.plan, old_shape_view=False).fingerprint == MEMBERSHIP.plan.fingerprint


# --- writing ----------------------------------------------------------------------------


@pytest.mark.parametrize("revision", OVER_CHILD)
def test_over_the_child_it_is_written_as_the_old_table_was(
    chain_at: ChainAt, revision: str
) -> None:
    chain = standing(chain_at, revision)
    chain.run(
        f"INSERT INTO {VIEW} (person_id, programme_id, curriculum_id, rotation) "
        "VALUES (1, 1, 1, 'new')",
        f"UPDATE {VIEW} SET rotation = 'changed' WHERE id = 0",
        f"DELETE FROM {VIEW} WHERE id = 2",
    )
    rows = chain.child()
    assert rows["101"]["rotation"] == "new"
    assert rows["0"]["rotation"] == "changed"
    assert "2" not in rows
    assert seen(chain) == wide(chain, revision)


@pytest.mark.parametrize("revision", OVER_BOTH)
@pytest.mark.parametrize(
    "write",
    [
        f"INSERT INTO {VIEW} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
        f"UPDATE {VIEW} SET rotation = 'x' WHERE id = 0",
        f"DELETE FROM {VIEW} WHERE id = 0",
    ],
    ids=["insert", "update", "delete"],
)
def test_over_both_tables_a_write_is_refused_and_says_where_to_write(
    chain_at: ChainAt, revision: str, write: str
) -> None:
    chain = standing(chain_at, revision)
    before = snapshot(chain)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused:
        chain.run(write)
    assert "shows the old shape and cannot be written" in str(refused.value)
    assert refused.value.diag.message_hint is not None
    for table in ('"public"."curriculum_membership"', '"public"."programme_membership"'):
        assert table in refused.value.diag.message_hint
    assert snapshot(chain) == before


def test_after_the_way_down_it_can_be_written_again(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0009")
    chain.down("0009")
    chain.run(f"UPDATE {VIEW} SET rotation = 'again' WHERE id = 0")
    assert wide(chain)["0"]["rotation"] == "again"


@pytest.mark.parametrize("revision", OVER_BOTH)
def test_whoever_reads_only_what_changed_sees_a_change_of_the_parent(
    chain_at: ChainAt, revision: str
) -> None:
    chain = standing(chain_at, revision)
    before = seen(chain)
    chain.run(
        f"UPDATE {PARENT} SET rotation = 'by the parent', amended_date = now() "
        f"WHERE uuid = (SELECT programme_membership_uuid FROM {CHILD} WHERE id = 0)"
    )
    query = f"SELECT id::text FROM {VIEW} WHERE amended_date > now() - interval '1 minute'"
    changed = {key for (key,) in chain.query(query)}
    after = seen(chain)
    assert changed == {key for key in before if before[key]["rotation"] != after[key]["rotation"]}
    assert "0" in changed
    assert question(chain, ROWS) == 0


# --- who may read -----------------------------------------------------------------------

READER, OTHER = "mr_old_shape_reader", "mr_old_shape_other"


def with_roles(chain: Chain, *texts: str) -> None:
    for role in (READER, OTHER):
        chain.run(
            f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role}; END IF; END $$"
        )
    chain.run(*texts)


def count(chain: Chain, role: str, what: str = f"count(*) FROM {VIEW}") -> int | str:
    """The rows that the role reads, or the SQLSTATE of the refusal."""
    try:
        with psycopg.connect(libpq_url(chain.url)) as connection:
            connection.execute(f"SET ROLE {role}".encode())
            row = connection.execute(f"SELECT {what}".encode()).fetchone()
            return int(row[0]) if row else 0
    except psycopg.Error as error:
        return error.sqlstate or "?"


@pytest.mark.parametrize("subject", [OLD_SHAPE, OLD_SHAPE_RENAMED], ids=["split", "rename"])
def test_it_has_the_grants_of_the_old_table_and_no_others(
    chain_at: ChainAt, subject: Subject
) -> None:
    chain = standing(chain_at, "0002", subject=subject)
    with_roles(
        chain,
        f"GRANT SELECT ON {PARENT} TO {READER}",
        f"GRANT SELECT (id) ON {PARENT} TO {OTHER}",
        # Whatever is made from now on is open to others.
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {OTHER}",
        f"ALTER DEFAULT PRIVILEGES GRANT USAGE, CREATE ON SCHEMAS TO {OTHER}",
    )
    for revision in chain.subject.revisions[:-1]:
        chain.up(revision)
        if revision >= "0005":
            assert count(chain, READER) == len(chain.child()), revision
            assert count(chain, OTHER) == "42501", revision
            assert count(chain, OTHER, f"count(id) FROM {VIEW}") == "42501", revision
            assert not chain.value(
                f"SELECT has_schema_privilege('{OTHER}', 'public_old', 'CREATE')"
            )
    assert chain.value(f"SELECT has_table_privilege('{READER}', '{VIEW}', 'INSERT')") is False


def test_who_may_not_use_the_schema_of_the_table_cannot_read_it_by_the_view(
    chain_at: ChainAt,
) -> None:
    chain = standing(chain_at, "0002")
    with_roles(
        chain,
        f"GRANT SELECT ON {PARENT} TO PUBLIC",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {READER}",
    )
    chain.up_to("0005")
    assert count(chain, READER) == len(chain.child())
    assert count(chain, OTHER) == "42501"


@pytest.mark.parametrize("revision", ["0005", "0008", "0010"])
def test_row_security_hides_in_the_view_what_it_hides_in_the_table(
    chain_at: ChainAt, revision: str
) -> None:
    chain = standing(chain_at, revision)
    with_roles(
        chain,
        f"GRANT SELECT ON {CHILD} TO {READER}",
        f"GRANT SELECT ON {PARENT} TO {READER}" if revision >= "0006" else "SELECT 1",
        f"GRANT SELECT ON {VIEW} TO {READER}",
        f"ALTER TABLE {CHILD} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY visible ON {CHILD} USING (curriculum_id = 1)",
    )
    visible = sum(row["curriculum_id"] == "1" for row in chain.child().values())
    assert 0 < visible < len(chain.child())
    assert count(chain, READER) == visible


def test_an_owner_who_may_create_no_schema_gets_one_from_the_login(chain_at: ChainAt) -> None:
    chain = chain_at("0004", subject=OLD_SHAPE, name="old shape owned", first=owned_by(OWNER))
    database = chain.value("SELECT quote_ident(current_database())")
    chain.run(f"REVOKE CREATE ON DATABASE {database} FROM {OWNER}")
    chain.up("0005")
    owners = (
        f"SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = '{VIEW}'::regclass "
        "UNION ALL SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public_old'"
    )
    assert chain.query(owners) == [(OWNER,), (OWNER,)]
    chain.up_to("0010", after="0005")
    assert seen(chain) == wide(chain)
    chain.up("0011")
    assert not there(chain)


def test_plan_says_where_it_is_who_cannot_read_it_and_when_it_goes(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0002")
    with_roles(chain, f"GRANT SELECT (id, rotation) ON {PARENT} TO {OTHER}")
    text = said(chain)
    for words in (
        'the view "public_old"."programme_membership" shows the old shape to readers that lag '
        "behind, until revision 0011",
        "search_path = public_old, public",
        f'"{OTHER}" may read only some columns',
        "can only be read: writes are refused",
        'the view "public_old"."programme_membership" is dropped too',
    ):
        assert words in text
    assert "public_old" not in said(chain_at("0002"))


# --- what stands in its way -------------------------------------------------------------


def test_a_name_that_is_taken_is_refused_before_the_first_step(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0002")
    chain.run("CREATE SCHEMA public_old", f"CREATE TABLE {VIEW} (x int)")
    with pytest.raises(CheckFailed, match=r"public_old\.programme_membership is there already"):
        chain.up("0003")
    chain.run(f"DROP TABLE {VIEW}")
    chain.up_to("0011")
    # A schema that the tool has not made stays.
    assert there(chain)


def test_a_view_of_the_application_over_it_is_named_before_it_would_go(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0010")
    chain.run(f"CREATE VIEW public.report AS SELECT id, rotation FROM {VIEW}")
    with pytest.raises(CheckFailed, match=r"nothing hangs on the view.*view public.report"):
        chain.up("0011")
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match=r"nothing hangs on the view.*view public.report"):
        chain.down_to("0004", before="0010")
    assert snapshot(chain) == before
    # It goes along with every step in between.
    chain.down("0010", "0009")
    assert chain.value("SELECT count(*) FROM public.report") == len(chain.child())
    chain.run("DROP VIEW public.report")
    chain.down_to("0004", before="0008")


def test_a_row_type_of_it_in_a_function_is_named_too(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0010")
    chain.run(f"CREATE FUNCTION public.f({VIEW}) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with pytest.raises(CheckFailed, match=r"function public.f\("):
        chain.up("0011")


def test_two_plans_of_one_schema_share_the_schema_of_their_views(chain_at: ChainAt) -> None:
    chain = standing(chain_at, "0010")
    chain.run("CREATE VIEW public_old.of_another_plan AS SELECT 1")
    chain.up("0011")
    assert there(chain)
    chain.down("0011")
    chain.run("DROP VIEW public_old.of_another_plan")
    chain.up("0011")
    assert not there(chain)


# --- the guard --------------------------------------------------------------------------


def broken(chain: Chain) -> list[str]:
    """What the guard says, with the search_path of the tool's sessions."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute("SET search_path = pg_catalog")
        return [key for check in guard(chain.names) for (key,) in pg.execute(check.query.encode())]


@pytest.mark.parametrize("revision", ["0005", "0009"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (f"DROP VIEW {VIEW}", "old-shape view public_old.programme_membership is missing"),
        ("DROP SCHEMA public_old CASCADE", "is missing"),
        (
            f"ALTER VIEW {VIEW} SET (security_invoker = false)",
            "old-shape view public_old.programme_membership has another text",
        ),
        (
            f"DROP VIEW {VIEW}; CREATE VIEW {VIEW} AS SELECT 1 AS id",
            "old-shape view public_old.programme_membership has another text",
        ),
        (
            'DROP DOMAIN public_refactor."programme_membership_old_shape_reader" CASCADE',
            "old_shape_read",
        ),
        (
            "CREATE OR REPLACE FUNCTION public_refactor.programme_membership_old_shape_read"
            "(reader public_refactor.programme_membership_old_shape_reader) RETURNS bool "
            "LANGUAGE sql AS 'SELECT true'",
            "has another text",
        ),
    ],
    ids=["dropped", "schema", "rights", "another", "domain", "function"],
)
def test_what_was_done_to_it_is_found_and_repair_makes_it_again(
    chain_at: ChainAt, revision: str, change: str, says: str
) -> None:
    chain = standing(chain_at, revision)
    with_roles(chain, f"GRANT SELECT ON {CHILD} TO {READER}")
    view, before = seen(chain), snapshot(chain)
    own = chain.value(f"SELECT pg_get_viewdef('{VIEW}'::regclass)")
    chain.run(*change.split("; "))
    assert says in "; ".join(broken(chain))
    with pytest.raises(CheckFailed, match="own triggers and functions stand"):
        chain.up(chain.subject.revisions[chain.subject.revisions.index(revision) + 1])
    assert repair_objects(chain.runner())
    assert broken(chain) == []
    assert seen(chain) == view
    assert snapshot(chain) == before
    assert chain.value(f"SELECT pg_get_viewdef('{VIEW}'::regclass)") == own
    chain.up(chain.subject.revisions[chain.subject.revisions.index(revision) + 1])


@pytest.mark.parametrize("revision", ["0005", "0009", "0010"])
def test_the_checks_hold_and_find_a_view_that_leaves_rows_or_columns_out(
    chain_at: ChainAt, revision: str
) -> None:
    chain = standing(chain_at, revision)
    for name in (ROWS, COLUMNS):
        assert question(chain, name) == 0
    text = chain.value(f"SELECT pg_get_viewdef('{VIEW}'::regclass)").rstrip(";")
    chain.run(f"CREATE OR REPLACE VIEW {VIEW} AS {text} AND c.id > 0")
    assert question(chain, ROWS) == 1
    chain.run(f"CREATE OR REPLACE VIEW {VIEW} AS {text}")
    assert question(chain, ROWS) == 0
    chain.run(f"ALTER VIEW {VIEW} RENAME COLUMN rotation TO turn")
    assert question(chain, COLUMNS) == 1

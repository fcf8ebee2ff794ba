"""The copy has the source's portrait, and nobody gets more than on the source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.bare_table import create_bare_table
from membership_refactor.sql.ddl.copy_portrait import cloned, copy_differences
from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.names import link_index_name
from membership_refactor.sql.quoting import qualified
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import HOSTILE, PLAIN, Everything


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain names", "hostile names"])
def test_a_clone_of_everything_is_read_back_without_a_difference(
    catalog: Catalog, names: Everything
) -> None:
    catalog.run([*names.statements(), *names.surroundings(), *names.publication()])
    source = catalog.table(names.schema, names.table)
    copy = cloned(source, name=names.plan.child, link=names.plan.link)

    catalog.run(create_table(copy), role=names.quoted_owner)

    found = catalog.table(names.schema, names.plan.child)
    assert copy_differences(names.plan, source, found) == ()
    assert found.column_names == (*source.column_names, names.plan.link)
    assert catalog.table(names.schema, names.table) == replace(source, bytes=source.bytes)


def test_the_copy_draws_its_ids_from_the_source(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), "INSERT INTO s.other VALUES (1)"])
    source = catalog.table(PLAIN.schema, PLAIN.table)
    catalog.run(create_table(cloned(source, name=PLAIN.plan.child, link=PLAIN.plan.link)))

    catalog.run(
        [
            "INSERT INTO s.pm (person_id) VALUES (1)",
            "INSERT INTO s.cm (person_id) VALUES (1)",
        ]
    )

    (first,), (second,) = catalog.rows("SELECT id FROM s.pm UNION ALL SELECT id FROM s.cm")
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert abs(second - first) == 3  # the increment


def test_the_shipped_plan_names_the_copys_objects_after_the_copy() -> None:
    source = legacy_tables("public").table(SPLIT.source)

    copy = cloned(source, name=SPLIT.child, link=SPLIT.link)

    assert [index.name for index in copy.indexes if SPLIT.source in index.name] == [
        link_index_name(SPLIT.child, SPLIT.link)  # by the name of the link
    ]
    assert copy.primary_key is not None
    assert copy.primary_key.name == "pk_curriculum_membership"
    assert (
        copy.column("id").default == 'nextval(\'"public"."programme_membership_id_seq"\'::regclass)'
    )
    assert copy.column_names[-1] == SPLIT.link


def test_no_two_objects_of_a_copy_get_one_name_and_all_fit() -> None:
    source = legacy_tables("public").table(SPLIT.source)
    long = replace(
        source.indexes[0],
        name="x" * 63,
        constraint=None,
        definition="CREATE INDEX x ON public.t USING btree (id)",
    )
    twin = replace(long, name="x" * 62 + "y")
    table = replace(source, indexes=(*source.indexes, long, twin))

    copy = cloned(table, name=SPLIT.child, link=SPLIT.link)

    given = [index.name for index in copy.indexes]
    assert len(set(given)) == len(given)
    assert all(len(name.encode()) <= 63 for name in given)
    assert not set(given) & {index.name for index in table.indexes}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("GRANT SELECT ON s.cm TO PUBLIC", 'grant of SELECT to "PUBLIC"'),
        ("ALTER TABLE s.cm ALTER note DROP DEFAULT", "default is not set"),
        ("ALTER TABLE s.cm DISABLE ROW LEVEL SECURITY", "row security is off, expected on"),
        ("DROP INDEX s.cm_amt_idx", 'index "cm_amt_idx" is missing'),
        ("ALTER TABLE s.cm VALIDATE CONSTRAINT cm_late_check", "validity is valid"),
        ("COMMENT ON COLUMN s.cm.note IS NULL", "comment is not set"),
        ("ALTER TABLE s.cm ALTER person_id DROP NOT NULL", "NOT NULL is off, expected on"),
        ("ALTER TABLE s.cm SET (fillfactor=90)", "fillfactor=90"),
        ("ALTER POLICY pol ON s.cm TO PUBLIC", "roles is (PUBLIC)"),
        ("ALTER TABLE s.cm ALTER tags TYPE varchar[]", "type is character varying[], expected"),
        ("ALTER STATISTICS s.cm_st SET STATISTICS 5", "target is 5, expected 77"),
    ],
)
def test_a_copy_that_somebody_changed_is_seen(catalog: Catalog, change: str, sentence: str) -> None:
    catalog.run(PLAIN.statements())
    source = catalog.table(PLAIN.schema, PLAIN.table)
    catalog.run(create_table(cloned(source, name="cm", link="link")))

    catalog.run([change])

    found = copy_differences(PLAIN.plan, source, catalog.table(PLAIN.schema, "cm"))
    assert any(sentence in line for line in found), found


def test_a_bare_copy_has_no_access_before_its_row_security(catalog: Catalog) -> None:
    catalog.run(PLAIN.statements())
    source = catalog.table(PLAIN.schema, PLAIN.table)
    copy = cloned(source, name="cm", link="link")

    catalog.run(create_bare_table(copy))

    assert _access(catalog.table(PLAIN.schema, "cm")) == {PLAIN.owner}


def _access(table: Table) -> set[str]:
    return {grant.grantee for grant in (*(table.grants or ()), *table.column_grants)} or {
        table.owner
    }


def test_nobody_can_do_more_with_the_copy_than_with_the_source_at_any_moment(
    catalog: Catalog,
) -> None:
    catalog.run(PLAIN.statements())
    source = catalog.table(PLAIN.schema, PLAIN.table)
    for kind in ("TABLES", "SEQUENCES"):
        catalog.run(
            [f"ALTER DEFAULT PRIVILEGES FOR ROLE {PLAIN.owner} GRANT ALL ON {kind} TO PUBLIC"]
        )
        catalog.run([f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO PUBLIC"])
    allowed = _privileges(source)

    for role in (PLAIN.owner, None):
        for statement in create_table(cloned(source, name="cm", link="link")):
            catalog.run([statement], role=role)
            now = catalog.table(PLAIN.schema, "cm")
            assert _privileges(now) <= allowed
            if not now.row_security or len(now.policies) < len(source.policies):
                assert _access(now) == {PLAIN.owner}
        assert _privileges(catalog.table(PLAIN.schema, "cm")) == allowed
        catalog.run(["DROP TABLE s.cm"])


def _privileges(table: Table) -> set[tuple[str, str, str, bool]]:
    return {
        (grant.grantee, grant.privilege, grant.column, grant.grantable)
        for grant in (*(table.grants or ()), *table.column_grants)
    }


def test_a_policy_with_a_sub_select_speaks_of_the_copy(catalog: Catalog) -> None:
    catalog.run(PLAIN.statements())
    source = catalog.table(PLAIN.schema, PLAIN.table)

    copy = cloned(source, name="cm", link="link")

    (policy,) = (p for p in copy.policies if p.name == "everyone")
    assert policy.using is not None
    assert f"{qualified('', 'cm')[3:]}.person_id" in policy.using

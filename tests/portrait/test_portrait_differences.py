"""Every difference between two portraits is one plain sentence."""

from __future__ import annotations

import pytest

from membership_refactor.portrait import Portrait, Table, differences
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import PLAIN

T = "s.pm"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (f"ALTER TABLE {T} ADD extra int", 'table "pm": column "extra" is not expected'),
        (f"ALTER TABLE {T} DROP dom", 'table "pm": column "dom" is missing'),
        (
            f"ALTER TABLE {T} ALTER at TYPE timestamptz(2)",
            'table "pm": column "at": type is timestamp(2) with time zone, '
            "expected timestamp(3) with time zone",
        ),
        (
            f"ALTER TABLE {T} ALTER amt SET NOT NULL",
            'table "pm": column "amt": NOT NULL is on, expected off',
        ),
        (
            f"ALTER TABLE {T} ALTER since DROP DEFAULT",
            'table "pm": column "since": default is not set, '
            "expected '2020-03-04 05:06:07+00'::timestamp with time zone",
        ),
        (
            f"ALTER TABLE {T} ALTER note SET STORAGE MAIN",
            'table "pm": column "note": storage is MAIN, expected EXTERNAL',
        ),
        (
            f"ALTER TABLE {T} ALTER tags SET STATISTICS 7",
            'table "pm": column "tags": statistics target is 7, expected 500',
        ),
        (
            f"ALTER TABLE {T} ALTER person_id RESET (n_distinct)",
            'table "pm": column "person_id": column options is not set, expected (n_distinct=-0.5)',
        ),
        (
            f"COMMENT ON COLUMN {T}.note IS 'other'",
            'table "pm": column "note": comment is other, expected col comment',
        ),
        (
            "ALTER SEQUENCE s.pm_id_seq NO CYCLE",
            'table "pm": column "id": sequence cycle is off, expected on',
        ),
        (
            f"REVOKE USAGE ON SEQUENCE s.pm_id_seq FROM {PLAIN.writer}",
            'table "pm": column "id": sequence: grant of USAGE to "pm_writer" by "pm_owner" '
            "is missing",
        ),
        (
            f"ALTER TABLE {T} DROP CONSTRAINT pm_amt_check",
            'table "pm": constraint "pm_amt_check" is missing',
        ),
        (
            f"ALTER TABLE {T} VALIDATE CONSTRAINT pm_late_check",
            'table "pm": constraint "pm_late_check": validity is valid, expected not valid',
        ),
        (
            "DROP INDEX s.pm_amt_idx; CREATE INDEX pm_amt_idx ON s.pm (amt) WHERE amt > 5;"
            " COMMENT ON INDEX s.pm_amt_idx IS 'index comment'",
            'table "pm": index "pm_amt_idx": definition is CREATE INDEX pm_amt_idx ON s.pm USING '
            "btree (amt) WHERE (amt > (5)::numeric), expected CREATE INDEX pm_amt_idx ON s.pm "
            "USING btree (amt DESC NULLS LAST) WHERE (amt > (5)::numeric)",
        ),
        (
            f"ALTER TABLE {T} ENABLE TRIGGER late",
            'table "pm": trigger "late": state is enabled, expected enabled always',
        ),
        (f"DROP TRIGGER late ON {T}", 'table "pm": trigger "late" is missing'),
        (f"DROP RULE keep ON {T}", 'table "pm": rule "keep" is missing'),
        (
            f"ALTER POLICY pol ON {T} USING (person_id > 1)",
            'table "pm": policy "pol": USING is (person_id > 1), expected (person_id > 0)',
        ),
        (
            f"ALTER TABLE {T} FORCE ROW LEVEL SECURITY",
            'table "pm": forced row security is on, expected off',
        ),
        (
            f"GRANT UPDATE (amt) ON {T} TO {PLAIN.reader} WITH GRANT OPTION",
            'table "pm": grant of UPDATE on column amt with grant option to "pm_reader" '
            'by "pm_owner" is not expected',
        ),
        (
            f"ALTER TABLE {T} RESET (toast.autovacuum_enabled)",
            'table "pm": toast options is not set, expected (autovacuum_enabled=false)',
        ),
        (
            f"ALTER TABLE {T} REPLICA IDENTITY FULL",
            'table "pm": replica identity is full, expected an index',
        ),
        (
            f"COMMENT ON TABLE {T} IS NULL",
            'table "pm": comment is not set, expected legacy % \'\\',
        ),
        ("DROP STATISTICS s.pm_st", 'table "pm": statistics object "s.pm_st" is missing'),
        (
            f"ALTER PUBLICATION named SET TABLE {T} (id, person_id)",
            'table "pm": publication "named": columns is (id, person_id), '
            "expected (id, note, person_id)",
        ),
        (
            'ALTER TABLE s.detail DROP CONSTRAINT "detail fk"',
            'table "pm": foreign key from "s.detail: detail fk" is missing',
        ),
        ("DROP TABLE s.pm CASCADE", 'table "pm" is missing'),
    ],
)
def test_a_difference_is_a_sentence(catalog: Catalog, change: str, sentence: str) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings(), *PLAIN.publication()])
    before = catalog.portrait(PLAIN.schema, [PLAIN.table])

    catalog.run([change])

    assert sentence in differences(before, catalog.portrait(PLAIN.schema, [PLAIN.table]))


def test_equal_portraits_have_no_difference(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings()])
    portrait = catalog.portrait(PLAIN.schema, [PLAIN.table])
    catalog.run(["INSERT INTO s.other VALUES (1)", "ANALYZE s.pm"])

    assert differences(portrait, catalog.portrait(PLAIN.schema, [PLAIN.table])) == ()


def test_a_missing_acl_and_a_written_default_are_the_same(catalog: Catalog) -> None:
    catalog.run(["CREATE TABLE public.t (id bigint)"])
    before = catalog.table("public", "t")
    catalog.run(["GRANT ALL ON public.t TO CURRENT_USER"])
    after = catalog.table("public", "t")

    assert before.grants is None
    assert after.grants is not None
    assert differences(before, after) == ()
    assert differences(after, before) == ()


def test_an_owner_who_lost_a_privilege_is_a_difference(catalog: Catalog) -> None:
    catalog.run(["CREATE TABLE public.t (id bigint)"])
    before = catalog.table("public", "t")
    catalog.run(["REVOKE DELETE ON public.t FROM CURRENT_USER"])

    (sentence,) = differences(before, catalog.table("public", "t"))

    # 17 has one more privilege, MAINTAIN, than 15 and 16.
    assert sentence.startswith('table "t": grant of only INSERT, ')
    assert "DELETE" not in sentence


def test_the_order_of_columns_counts_only_when_asked(catalog: Catalog) -> None:
    catalog.run(["CREATE TABLE public.t (a int, b int)"])
    before = catalog.table("public", "t")
    catalog.run(["ALTER TABLE public.t DROP a, ADD a int"])
    after = catalog.table("public", "t")

    assert differences(before, after) == ()
    assert differences(before, after, ignore_order=False) == (
        'table "t": column order is b, a, expected a, b',
    )


def test_aspects_can_be_left_out(catalog: Catalog) -> None:
    catalog.run(["CREATE TABLE public.t (a int)"])
    before = catalog.table("public", "t")
    catalog.run(["CREATE INDEX i ON public.t (a)", "GRANT SELECT ON public.t TO PUBLIC"])
    after = catalog.table("public", "t")

    (only,) = differences(before, after, without=("grant",))
    assert only == 'table "t": index "i" is not expected'


def test_a_portrait_is_not_compared_with_a_table() -> None:
    table = Table(schema="s", name="t", columns=())

    with pytest.raises(TypeError):
        differences(table, Portrait(schema="s", tables=(table,)))

"""The DDL as text: whole statements, with the lock that each takes."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Column, Constraint, Grant, Index, Sequence, Table
from membership_refactor.sql.ddl.constraints import create_foreign_keys, validate_foreign_keys
from membership_refactor.sql.ddl.copy_portrait import cloned
from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.ddl.indexes import create_index
from membership_refactor.sql.handover.exchange import hand_over, hand_over_locks
from membership_refactor.sql.names import Names
from membership_refactor.sql.statements import Lock

SMALL = Table(
    schema="s",
    name="t",
    owner="o",
    columns=(
        Column(
            name="id",
            type="bigint",
            not_null=True,
            identity="always",
            sequence=Sequence(schema="s", name="t_id_seq"),
        ),
        Column(name="q", type="text", default="'50%'::text", collation='"C"'),
    ),
    constraints=(
        Constraint(name="pk", kind="p", definition="PRIMARY KEY (id)", index="pk"),
        Constraint(
            name="fk",
            kind="f",
            definition="FOREIGN KEY (q) REFERENCES s.o(q)",
            references=("s", "o"),
        ),
    ),
    indexes=(
        Index(
            name="pk",
            definition="CREATE UNIQUE INDEX pk ON s.t USING btree (id)",
            unique=True,
            constraint="pk",
        ),
        Index(name="INDEX", definition='CREATE INDEX "INDEX" ON s.t USING btree (q)'),
    ),
    grants=(
        Grant(grantee="o", privilege="SELECT", grantor="o"),
        Grant(grantee="", privilege="SELECT", grantor="o"),
    ),
    column_grants=(Grant(grantee="w", privilege="UPDATE", grantor="o", column="q"),),
)


def test_a_small_table_in_full() -> None:
    first, *rest = create_table(SMALL)

    assert first.text.startswith(
        """DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "s"."t" (
  "id" bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "s"."t_id_seq" INCREMENT BY 1 """
        """MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "q" text COLLATE "C" DEFAULT '50%'::text
) USING "heap";
ALTER TABLE "s"."t" OWNER TO "o";
FOR given IN
"""
    )
    assert [(s.text, s.lock) for s in rest] == [
        ("CREATE UNIQUE INDEX pk ON s.t USING btree (id)", Lock.SHARE),
        ('CREATE INDEX "INDEX" ON s.t USING btree (q)', Lock.SHARE),
        (
            'ALTER TABLE "s"."t" ADD CONSTRAINT "pk" PRIMARY KEY USING INDEX "pk"',
            Lock.ACCESS_EXCLUSIVE,
        ),
        (
            'ALTER TABLE "s"."t" ADD CONSTRAINT "fk" FOREIGN KEY (q) REFERENCES s.o(q)',
            Lock.SHARE_ROW_EXCLUSIVE,
        ),
        ('REVOKE ALL ON TABLE "s"."t" FROM "o"', Lock.NONE),
        ('GRANT SELECT ON TABLE "s"."t" TO "o"', Lock.NONE),
        ('GRANT SELECT ON TABLE "s"."t" TO PUBLIC', Lock.NONE),
        ('GRANT UPDATE ("q") ON TABLE "s"."t" TO "w"', Lock.NONE),
    ]


def test_an_index_built_concurrently_lets_writers_go_on() -> None:
    index = create_index(SMALL, SMALL.indexes[-1], concurrently=True)

    assert index.text == 'CREATE INDEX CONCURRENTLY "INDEX" ON s.t USING btree (q)'
    assert index.lock is Lock.SHARE_UPDATE_EXCLUSIVE


def test_a_foreign_key_is_added_without_a_scan_and_validated_apart() -> None:
    (added,) = create_foreign_keys(SMALL, not_valid=True)
    (validated,) = validate_foreign_keys(SMALL)

    assert added.text.endswith("REFERENCES s.o(q) NOT VALID")
    assert validated.text == 'ALTER TABLE "s"."t" VALIDATE CONSTRAINT "fk"'
    # It does not make writers wait.
    assert validated.lock is Lock.SHARE_UPDATE_EXCLUSIVE


def test_a_key_that_was_not_valid_stays_so() -> None:
    fk = replace(
        SMALL.constraints[1],
        validated=False,
        definition="FOREIGN KEY (q) REFERENCES s.o(q) NOT VALID",
    )
    table = replace(SMALL, constraints=(fk,))

    (added,) = create_foreign_keys(table)

    assert added.text.count("NOT VALID") == 1
    assert validate_foreign_keys(table) == ()


def test_the_copy_of_the_small_table() -> None:
    copy = cloned(SMALL, name="c", link="l")

    assert [c.name for c in copy.constraints] == ["pk_c", "fk_c"]
    assert [i.definition for i in copy.indexes] == [
        'CREATE UNIQUE INDEX "pk_c" ON s."c" USING btree (id)',
        'CREATE INDEX "INDEX_c" ON s."c" USING btree (q)',
        'CREATE INDEX "ix_c_l" ON "s"."c" USING btree ("l")',
    ]
    assert copy.columns == (
        replace(
            SMALL.columns[0],
            identity="",
            default='nextval(\'"s"."t_id_seq"\'::regclass)',
            sequence=Sequence(schema="s", name="t_id_seq", owned=False),
        ),
        SMALL.columns[1],
        Column(name="l", type="uuid"),
    )


def test_the_hand_over_of_the_shipped_plan_in_its_order() -> None:
    source = legacy_tables("hee").table(SPLIT.source)
    names = Names(SPLIT, "hee")

    heads = [" ".join(s.text.split()[:9]) for s in hand_over(names, source)]

    table, retired = '"hee"."programme_membership"', '"hee"."programme_membership_retired"'
    assert heads[0] == "SET LOCAL search_path = ''"
    assert heads[1:6] == [
        f'ALTER TABLE {table} DROP CONSTRAINT "fk_programme_membership_{column}"'
        for column in (
            "curriculum_id",
            "person_id",
            "programme_id",
            "rotation_id",
            "training_number_id",
        )
    ]
    assert heads[6] == f'ALTER TABLE {table} RENAME TO "programme_membership_retired"'
    assert heads[7] == (
        'ALTER INDEX "hee"."ix_programme_membership_curriculum_id" RENAME TO '
        '"ix_programme_membership_retired_curriculum_id"'
    )
    assert all(head.startswith("ALTER INDEX") for head in heads[7:13])
    assert heads[13].startswith("DO $body$ DECLARE position_now bigint;")
    assert heads[14].startswith('CREATE OR REPLACE FUNCTION "hee_refactor"."programme_membership_')
    assert retired in hand_over(names, source)[-1].text
    assert hand_over_locks(names, source) == (
        (table, Lock.ACCESS_EXCLUSIVE),
        ('"hee"."curriculum_membership"', Lock.ACCESS_EXCLUSIVE),
    )

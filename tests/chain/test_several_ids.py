"""A table whose primary key has several columns: refusals, and the same writes as with one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.errors import CannotCarry, PlanError
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from tests.chain.driver import Chain, Subject, build, insert
from tests.chain.fixed import fill, hard_rows
from tests.chain.subjects import COMPOSITE, COMPOSITE_KEPT, KEPT, MEMBERSHIP, composite
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper

SOURCE, CHILD = COMPOSITE.names.source, COMPOSITE.names.child
LINK = COMPOSITE.plan.link
WRITES = (
    "UPDATE {t} SET curriculum_id = 2 WHERE id = 0",
    "UPDATE {t} SET id = 70 WHERE id = 2",
    "UPDATE {t} SET id = 71, curriculum_id = 0, rotation = 'both' WHERE id = 4",
    "UPDATE {t} SET curriculum_id = (curriculum_id + 1) % 3 WHERE id BETWEEN 6 AND 20",
    "UPDATE {t} SET id = id + 100 WHERE id IN (6, 8)",
    "INSERT INTO {t} (id, person_id, programme_id, curriculum_id, amended_date)"
    " VALUES (72, 1, 1, 1, '2024-01-01')",
    "UPDATE {t} SET programme_membership_type = 'NEW', curriculum_id = 0 WHERE id = 72",
    "UPDATE {t} SET leaving_reason = 'alone', id = 73 WHERE id = 10",
    "UPDATE {t} SET person_id = 2, programme_id = 2 WHERE id IN (12, 14)",
    "UPDATE {t} SET person_id = 1, programme_id = 1, programme_start_date = '2020-01-01',"
    " programme_membership_type = 'SUBSTANTIVE', programme_end_date = '2021-01-01'"
    " WHERE id = 12",
    "UPDATE {t} SET person_id = 3, id = 74, rotation = 'key and id' WHERE id = 14",
    "DELETE FROM {t} WHERE id = 16",
    "DELETE FROM {t} WHERE id = 18; INSERT INTO {t} (id, person_id, programme_id, curriculum_id,"
    " amended_date) VALUES (18, 0, 0, 0, '2024-01-02')",
)
"""Statements whose outcome does not depend on which of the columns are the primary key."""
PLACES = (
    ("0003", SOURCE),
    ("0004", SOURCE),
    ("0004", CHILD),
    ("0005", CHILD),
    ("0007", CHILD),
    ("0008", CHILD),
)
PAIRS = {
    # With `id` first, as it decides between rows of one time of change.
    "staying": (MEMBERSHIP, composite(MEMBERSHIP, "id", "curriculum_id")),
    "kept": (KEPT, COMPOSITE_KEPT),
}


def with_rows(chain_at: ChainAt, revision: str, subject: Subject, *, down: bool = False) -> Chain:
    name = f"ids {', '.join(subject.plan.ids)}, keeps {', '.join(subject.plan.keep)}"
    return chain_at(revision, subject=subject, name=name, first=build(subject, fill), down=down)


def content(chain: Chain) -> dict[str, list[str]]:
    """The rows of every table of the plan, whatever their primary key is."""
    found = {}
    for table in chain.portrait().tables:
        where = f'"{table.schema}"."{table.name}"'
        found[table.name] = sorted(
            text for (text,) in chain.query(f"SELECT to_jsonb(t)::text FROM {where} AS t")
        )
    return found


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(("revision", "table"), PLACES)
def test_each_write_leaves_what_it_leaves_where_the_id_is_one_column(
    revision: str, table: str, pair: str, chain_at: ChainAt
) -> None:
    one, several = (with_rows(chain_at, revision, subject) for subject in PAIRS[pair])
    assert content(one) == content(several)
    for write in WRITES:
        for chain in (one, several):
            chain.run(write.format(t=table))
        assert content(one) == content(several), write


@pytest.mark.parametrize("table", [SOURCE, CHILD])
def test_rows_that_share_an_id_with_others_follow_alone(table: str, chain_at: ChainAt) -> None:
    """Each id stands in three curricula. Judged by EXCEPT, not by a comparison of the product."""

    def repeated(connection: object) -> None:
        rows = [{**r, "id": n // 3, "curriculum_id": n % 3} for n, r in enumerate(hard_rows())]
        insert(MEMBERSHIP, rows)(connection)

    chain = chain_at("0004", subject=COMPOSITE, name="ids repeat", first=build(COMPOSITE, repeated))
    whole = "SELECT to_jsonb(t) - '{}' FROM {} AS t"
    one, other = whole.format(LINK, SOURCE), whole.format(LINK, CHILD)
    apart = f"(({one}) EXCEPT ALL ({other})) UNION ALL (({other}) EXCEPT ALL ({one}))"
    for write in (
        "UPDATE {t} SET rotation = 'one of three' WHERE (curriculum_id, id) = (1, 2)",
        "UPDATE {t} SET rotation = 'a third' WHERE curriculum_id = 2",
        "DELETE FROM {t} WHERE (curriculum_id, id) = (0, 2)",
        # The place of the deleted row is taken by another, and so on.
        "UPDATE {t} SET curriculum_id = curriculum_id - 1 WHERE id = 2",
        "UPDATE {t} SET id = id + 100 WHERE curriculum_id = 0 AND id > 4",
        "UPDATE {t} SET id = -id WHERE id > 0",
        "UPDATE {t} SET rotation = id || ' ' || curriculum_id",
        "DELETE FROM {t} WHERE id = -5 AND curriculum_id <> 1",
    ):
        before = chain.query(f"SELECT count(*) FROM {SOURCE}")
        chain.run(write.format(t=table))
        assert chain.query(apart) == [], write
        assert chain.query(f"SELECT count(*) FROM {CHILD}")[0] <= before[0]
    assert chain.value(f"SELECT count(DISTINCT rotation) FROM {CHILD}") == chain.value(
        f"SELECT count(*) FROM {SOURCE}"
    )


@pytest.mark.parametrize("revision", ["0004", "0008"])
def test_a_row_that_was_written_past_the_capture_is_named_by_both_columns_and_mended(
    revision: str, chain_at: ChainAt
) -> None:
    chain = with_rows(chain_at, revision, COMPOSITE)
    before = content(chain)
    tamper(
        chain,
        f"UPDATE {CHILD} SET leaving_reason = 'tampered' WHERE id IN (2, 4)",
        f"DELETE FROM {CHILD} WHERE id = 6" if revision == "0004" else "SELECT",
    )
    where = "id IN (2, 4, 6)" if revision == "0004" else "id IN (2, 4)"
    source = SOURCE if revision == "0004" else CHILD
    named = {
        k for (k,) in chain.query(f"SELECT (curriculum_id, id)::text FROM {source} WHERE {where}")
    }

    verified = verify_all(chain.runner())

    assert {f.key for v in verified.verdicts for f in v.findings} == named
    repair_all(chain.runner(), verified)
    assert content(chain) == before
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts)


@pytest.mark.parametrize("revision", COMPOSITE.revisions)
@pytest.mark.parametrize("subject", [COMPOSITE, COMPOSITE_KEPT], ids=["staying", "kept"])
def test_every_standing_check_holds(subject: Subject, revision: str, chain_at: ChainAt) -> None:
    chain = with_rows(chain_at, revision, subject)
    asked = StandingChecks(chain.runner(), models=lambda _: ()).questions()
    assert [q.name for q in asked if not q.ask().holds] == []


def test_one_column_is_the_same_plan_however_it_is_written() -> None:
    assert replace(MEMBERSHIP.plan, id=("id",)) == MEMBERSHIP.plan
    assert replace(MEMBERSHIP.plan, id=("id",)).fingerprint == MEMBERSHIP.plan.fingerprint
    assert COMPOSITE.plan.fingerprint != MEMBERSHIP.plan.fingerprint


@pytest.mark.parametrize(
    ("changes", "said_of_it"),
    [
        ({"id": ()}, "id is empty"),
        ({"id": ("id", "id")}, '"id" is in id and in id'),
        ({"id": ("id", "amended_date")}, '"amended_date" is in id and in changed'),
        ({"id": ("id", "rotation")}, '"rotation" is in id and in parent_columns'),
        ({"id": ("person_id", "id")}, '"person_id" is in id and in key.*Name it in keep too'),
    ],
)
def test_ids_that_cannot_be_are_refused_when_the_plan_is_made(
    changes: dict[str, tuple[str, ...]], said_of_it: str
) -> None:
    with pytest.raises(PlanError, match=said_of_it):
        replace(MEMBERSHIP.plan, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ids", "broken", "said_of_it"),
    [
        (("id", "curriculum_id"), "SELECT", r'write id=\("curriculum_id", "id"\) in the plan'),
        (("curriculum_id", "id"), "ALTER TABLE {t} DROP CONSTRAINT pk_programme_membership",
         'expects one on "curriculum_id", "id"'),
        (("curriculum_id", "id"),
         "ALTER TABLE {t} DROP CONSTRAINT pk_programme_membership, ADD PRIMARY KEY "
         "(curriculum_id, id) DEFERRABLE", "the primary key is deferrable"),
        (("curriculum_id", "id"),
         "ALTER TABLE {t} DROP CONSTRAINT pk_programme_membership,"
         " ALTER COLUMN curriculum_id DROP NOT NULL, ADD UNIQUE (curriculum_id, id)",
         'the id "curriculum_id" may be NULL'),
        (("curriculum_id", "id"), "ALTER TABLE {t} ALTER COLUMN curriculum_id TYPE numeric",
         'id column "curriculum_id" has type numeric'),
        (("curriculum_id", "id"),
         "ALTER TABLE {t} DROP CONSTRAINT pk_programme_membership,"
         " ADD PRIMARY KEY (curriculum_id, id) INCLUDE (rotation)",
         "includes rotation.*or name them in keep"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_refused_before_anything_is_changed(
    ids: tuple[str, ...], broken: str, said_of_it: str, chain_at: ChainAt
) -> None:
    chain = with_rows(chain_at, "0002", COMPOSITE)
    staying = tuple(c for c in MEMBERSHIP.plan.child_columns if c not in ids)
    plan = replace(COMPOSITE.plan, id=ids, child_columns=staying)
    chain.run(
        "ALTER TABLE public.programme_membership DROP CONSTRAINT"
        " fk_programme_membership_curriculum_id" if "numeric" in broken else "SELECT",
        broken.format(t=SOURCE),
    )  # fmt: skip
    with pytest.raises(CannotCarry, match=said_of_it):
        replace(chain, subject=replace(COMPOSITE, plan=plan)).up("0003")
    assert chain.value(f"SELECT to_regclass('{CHILD}')") is None


UMLAUT = '"ü ""%"""'
ODD = Subject(
    plan=TableSplit(
        name="p 'ü' %s",
        source="wide",
        copy="copy",
        parent="parent",
        id=("k", 'ü "%"', "mood", "at"),
        key=("grp",),
        parent_columns=(ParentColumn(name="who", conflict=Conflict.LATEST),),
        child_columns=("note",),
        link="link",
        changed="changed",
    ),
    schema="public",
    create=(
        "CREATE TYPE public.mood AS ENUM ('good', 'bad')",
        "CREATE DOMAIN public.code AS varchar(9) CHECK (VALUE <> 'x')",
        'CREATE TABLE public.wide (k character(5), "ü ""%""" text COLLATE "C", mood public.mood,'
        " at public.code, grp int, who text, note text, changed timestamptz,"
        ' PRIMARY KEY (k, "ü ""%""", mood, at))',
        "INSERT INTO public.wide SELECT 'k' || n % 3, 'ä,\"(' || n / 6, (ARRAY['good', 'bad'])"
        "[1 + n % 2]::public.mood, CASE WHEN n % 5 = 0 THEN '' ELSE 'a\\b ' || n % 2 END, n % 7,"
        " 'who ' || n, NULL, timestamptz '2020-01-01' + n * interval '1 hour'"
        " FROM generate_series(1, 60) AS n",
    ),
)
"""Blanks, quotes, an empty text, an enum, a domain, a collation, and the names of our aliases."""


def test_ids_of_every_kind_go_up_down_and_up_with_their_rows(chain_at: ChainAt) -> None:
    chain = chain_at("0002", subject=ODD, name="odd ids", first=build(ODD, lambda _: None))
    begun = content(chain)
    chain.up_to("0004")
    for table in ("public.wide", "public.copy"):
        chain.run(
            f"UPDATE {table} SET note = 'one' WHERE k = 'k1' AND mood = 'bad' AND at = ''",
            f"UPDATE {table} SET {UMLAUT} = {UMLAUT} || '\\' WHERE grp = 3",
            f"UPDATE {table} SET k = ' x', mood = 'good', at = at || '!'"
            " WHERE grp = 4 AND k = 'k2'",
            f"DELETE FROM {table} WHERE grp = 5 AND mood = 'bad' AND k = 'k0'",
        )
        whole = "(SELECT to_jsonb(t) - 'link' FROM {} AS t)"
        one, other = whole.format("public.wide"), whole.format("public.copy")
        assert chain.query(f"{one} EXCEPT ALL {other}") == []
        assert chain.query(f"{other} EXCEPT ALL {one}") == []
    written = content(chain)["wide"]
    assert written != begun["wide"]
    chain.up_to("0011", after="0004")
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts)
    top = content(chain)
    chain.down_to("0002")
    assert content(chain)["wide"] == written
    chain.up_to("0011")
    assert content(chain) == top

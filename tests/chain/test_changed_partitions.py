"""Partitions that come and go while the chain stands are seen, followed, and never lost."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry, CheckFailed
from membership_refactor.inspect.all_comparisons import (
    objects_to_repair,
    repair_all,
    repair_objects,
    verify_all,
)
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.inspect.status import read_standing
from tests.chain.driver import Chain, Subject, build, snapshot
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, RENAMED, member, partitioned
from tests.chain.subjects import renamed
from tests.chain.test_partitioned import apart, leaves
from tests.fixtures.chains import ChainAt

SOURCE, COPY = f"public.{NAME}", "public.curriculum_membership"
NETTED = renamed(
    partitioned(
        "RANGE (id)",
        member("first", "FOR VALUES FROM (MINVALUE) TO ('20')"),
        member("second", "FOR VALUES FROM ('20') TO ('60')"),
    )
)
"""Without a default: the copy gets a net."""
SUBJECTS = {"range": NETTED, "range with a default": RENAMED["range"]}
NEW = f"{SOURCE}_new"
ROW = (
    "INSERT INTO {t} (id, person_id, programme_id, curriculum_id, rotation)"
    " OVERRIDING SYSTEM VALUE VALUES ({id}, 1, 1, 1, '{text}')"
)
MADE = f"CREATE TABLE {NEW} PARTITION OF {SOURCE} FOR VALUES FROM ('100') TO ('200')"
ATTACHED = (
    f"CREATE TABLE {NEW} (LIKE {SOURCE} INCLUDING ALL EXCLUDING IDENTITY)",
    ROW.format(t=NEW, id=101, text="before"),
    f"ALTER TABLE {SOURCE} ATTACH PARTITION {NEW} FOR VALUES FROM ('100') TO ('200')",
)
FIRST = f"{SOURCE}_first"
BACK = f"ALTER TABLE {SOURCE} ATTACH PARTITION {FIRST} FOR VALUES FROM (MINVALUE) TO ('20')"
CHANGES: dict[str, tuple[str, ...]] = {
    "made": (MADE,),
    "made and written by the root": (MADE, ROW.format(t=SOURCE, id=101, text="by the root")),
    "made and written by itself": (MADE, ROW.format(t=NEW, id=101, text="by itself")),
    "made, written and truncated": (
        MADE,
        ROW.format(t=SOURCE, id=101, text="by the root"),
        f"TRUNCATE {NEW}",
    ),
    "made, written and emptied by itself": (
        MADE,
        ROW.format(t=SOURCE, id=101, text="by the root"),
        f"DELETE FROM {NEW}",
    ),
    "made, written, and a row moves into it by itself": (
        MADE,
        ROW.format(t=NEW, id=101, text="a"),
        f"UPDATE {NEW} SET id = 102",
    ),
    "made with partitions of its own, and written": (
        f"{MADE} PARTITION BY RANGE (id)",
        f"CREATE TABLE {NEW}_low PARTITION OF {NEW} FOR VALUES FROM (100) TO (150)",
        ROW.format(t=SOURCE, id=101, text="by the root"),
        ROW.format(t=NEW, id=102, text="by the partition above"),
        ROW.format(t=f"{NEW}_low", id=103, text="by itself"),
        f"UPDATE {NEW} SET id = 104 WHERE id = 102",
    ),
    "attached with rows": ATTACHED,
    "attached with rows, then written by the root": (
        *ATTACHED,
        f"UPDATE {SOURCE} SET rotation = 'after' WHERE id = 101",
    ),
    "detached": (f"ALTER TABLE {SOURCE} DETACH PARTITION {FIRST}",),
    "detached and written": (
        f"ALTER TABLE {SOURCE} DETACH PARTITION {FIRST}",
        f"UPDATE {FIRST} SET rotation = 'alone'",
    ),
    "dropped": (f"DROP TABLE {FIRST}",),
    "detached, written and attached again": (
        f"ALTER TABLE {SOURCE} DETACH PARTITION {FIRST}",
        f"UPDATE {FIRST} SET rotation = 'alone'",
        f"DELETE FROM {FIRST} WHERE id = 0",
        ROW.format(t=FIRST, id=1, text="alone"),
        BACK,
    ),
    "exchanged for a table of the same bounds": (
        f"DROP TABLE {FIRST}",
        f"CREATE TABLE {FIRST} (LIKE {SOURCE} INCLUDING ALL EXCLUDING IDENTITY)",
        ROW.format(t=FIRST, id=3, text="other"),
        BACK,
    ),
    "split": (
        f"ALTER TABLE {SOURCE} DETACH PARTITION {FIRST}",
        f"CREATE TABLE {SOURCE}_low PARTITION OF {SOURCE} FOR VALUES FROM (MINVALUE) TO ('9')",
        f"CREATE TABLE {SOURCE}_high PARTITION OF {SOURCE} FOR VALUES FROM ('9') TO ('20')",
        f"INSERT INTO {SOURCE} OVERRIDING SYSTEM VALUE SELECT * FROM {FIRST}",
    ),
    "triggers off, written, and on again": (
        f"ALTER TABLE {FIRST} DISABLE TRIGGER USER",
        f"UPDATE {FIRST} SET rotation = 'unseen'",
        f"ALTER TABLE {FIRST} ENABLE TRIGGER USER",
    ),
    "a trigger dropped and the partition truncated": (
        f'DROP TRIGGER "AA_refactor_to_copy_truncate" ON {FIRST}',
        f"TRUNCATE {FIRST}",
    ),
}

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "with a trigger of its own": (
        (
            MADE,
            "CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$",
            f"CREATE TRIGGER own AFTER INSERT ON {NEW} EXECUTE FUNCTION public.own()",
        ),
        f'{NAME}_new" (trigger "own")',
    ),
    "with an index of its own": (
        (MADE, f"CREATE INDEX own_index ON {NEW} (rotation)"),
        f'{NAME}_new" (index "own_index")',
    ),
    "of another persistence": (
        (MADE.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"),),
        f'{NAME}_new" (another persistence)',
    ),
}


def subject_at(chain_at: ChainAt, revision: str, subject: Subject, name: str) -> Chain:
    return chain_at(revision, subject=subject, name=name, first=build(subject, fill))


def seen(chain: Chain) -> list[str]:
    """What the checks say of partitions."""
    checks = StandingChecks(chain.runner(), models=lambda step: ())
    (question,) = checks.chosen(["partitions are followed"])
    return list(question.ask().keys)


def repaired(chain: Chain) -> tuple[str, ...]:
    """As ``repair --apply``."""
    runner = chain.runner()
    said = repair_objects(runner)
    repair_all(runner, verify_all(runner))
    return said


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("revision", "shape"),
    [("0003", "range"), ("0004", "range with a default")],
)
def test_what_becomes_of_a_partition_stops_the_steps_and_is_followed(
    revision: str, shape: str, change: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, SUBJECTS[shape], shape)
    assert seen(chain) == []
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for text in CHANGES[change]:
            pg.execute(text.encode())
    assert seen(chain) and set(seen(chain)) <= set(read_standing(chain.runner()).partitions)
    following = chain.subject.revisions[chain.subject.revisions.index(revision) + 1]
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.up(following)
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.down(revision)

    assert set(seen(chain)) <= set(objects_to_repair(chain.runner()))
    assert repaired(chain)

    assert (seen(chain), objects_to_repair(chain.runner())) == ([], ())
    assert apart(chain) == []
    for table in (SOURCE, *leaves(chain, SOURCE)):
        chain.run(f"UPDATE {table} SET rotation = '{table[-20:]}'")
        assert apart(chain) == []
    chain.run(ROW.format(t=SOURCE, id=33, text="33") + " ON CONFLICT DO NOTHING")
    assert apart(chain) == []
    rows = chain.source()
    chain.up(*(r for r in chain.subject.revisions if r > revision))
    assert chain.child() == rows
    chain.down_to("0002")
    assert chain.source() == rows


@pytest.mark.parametrize("kind", REFUSED)
def test_a_partition_that_cannot_be_followed_is_named_and_nothing_is_changed(
    kind: str, chain_at: ChainAt
) -> None:
    made, said = REFUSED[kind]
    chain = subject_at(chain_at, "0003", NETTED, "range")
    chain.run(*made)
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match=r"was made or attached"):
        chain.up("0004")
    with pytest.raises(CannotCarry) as refused:
        repaired(chain)
    assert said in f"{refused.value}"
    assert snapshot(chain) == before
    chain.run(f"DROP TABLE {NEW}")
    chain.up("0004")


def test_a_partition_of_a_stranger_in_the_copy_is_only_detached(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0004", NETTED, "range")
    chain.run(f"CREATE TABLE {COPY}_own PARTITION OF {COPY} FOR VALUES FROM ('300') TO ('400')")
    assert any("curriculum_membership_own" in text for text in seen(chain))
    repaired(chain)
    assert seen(chain) == [] and apart(chain) == []
    still = "SELECT relispartition FROM pg_class WHERE relname = 'curriculum_membership_own'"
    assert chain.query(still) == [(False,)]


def test_a_twin_that_somebody_dropped_is_made_again_with_its_rows(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0004", NETTED, "range")
    chain.run(f"DROP TABLE {COPY}_second")
    assert seen(chain)
    repaired(chain)
    assert seen(chain) == [] and apart(chain) == []


def test_the_copy_has_a_net_while_it_follows_and_none_afterwards(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0002", NETTED, "range")
    defaults = "SELECT relname::text FROM pg_class WHERE pg_get_expr(relpartbound, oid) = 'DEFAULT'"
    nets = [("curriculum_membership_net",)]
    before = snapshot(chain)
    for revision, there in (("0003", nets), ("0004", nets), ("0005", [])):
        chain.up(revision)
        assert chain.query(defaults) == there, revision
    for revision, there in (("0005", nets), ("0004", nets), ("0003", [])):
        chain.down(revision)
        assert chain.query(defaults) == there, revision
        assert seen(chain) == [] if there else True
    after = snapshot(chain)
    assert (after.tables, after.portrait) == (before.tables, before.portrait)


def test_partitions_of_the_archive_have_its_name_and_get_theirs_back(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0004", RENAMED["hash"], "renamed hash")
    before = leaves(chain, SOURCE)
    chain.up("0005")
    assert leaves(chain, f"{SOURCE}_retired") == [
        name.replace(NAME, f"{NAME}_retired") for name in before
    ]
    for name in before:
        with pytest.raises(psycopg.errors.UndefinedTable):
            chain.run(f"DELETE FROM {name}")
    chain.down("0005")
    assert leaves(chain, SOURCE) == before
    assert apart(chain) == []


def test_partitions_that_the_child_got_since_come_back_with_the_source(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0005", NETTED, "range")
    chain.run(
        f"CREATE TABLE {COPY}_new PARTITION OF {COPY} FOR VALUES FROM ('100') TO ('200')",
        ROW.format(t=COPY, id=101, text="new"),
        ROW.format(t=f"{COPY}_new", id=102, text="new"),
        f"DROP TABLE {COPY}_first",
    )
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.down("0005")
    repaired(chain)
    rows = chain.child()

    chain.down("0005")

    assert chain.source() == rows and apart(chain) == []
    assert f"{NAME}_new" in leaves(chain, SOURCE) and f"{NAME}_first" not in leaves(chain, SOURCE)
    assert seen(chain) == []
    chain.up("0005")
    assert chain.child() == rows


PART = f"{SOURCE}_h0"
LOW = f"{PART}_low"
BELOW = {"low": "(MINVALUE) TO ('25')", "high": "('25') TO (MAXVALUE)"}
BRANCH_BACK = "a whole branch detached, written and attached again"
LEVELS: dict[str, tuple[str, ...]] = {
    "a leaf detached, written and attached again": (
        f"ALTER TABLE {PART} DETACH PARTITION {LOW}",
        f"UPDATE {LOW} SET rotation = 'alone'",
        f"DELETE FROM {LOW} WHERE id = (SELECT min(id) FROM {LOW})",
        f"ALTER TABLE {PART} ATTACH PARTITION {LOW} FOR VALUES FROM (MINVALUE) TO ('25')",
    ),
    "a leaf dropped": (f"DROP TABLE {LOW}",),
    "a leaf exchanged for two": (
        f"ALTER TABLE {PART} DETACH PARTITION {LOW}",
        f"CREATE TABLE {PART}_a PARTITION OF {PART} FOR VALUES FROM (MINVALUE) TO ('9')",
        f"CREATE TABLE {PART}_b PARTITION OF {PART} FOR VALUES FROM ('9') TO ('25')",
        f"INSERT INTO {PART} OVERRIDING SYSTEM VALUE SELECT * FROM {LOW} WHERE id < 9",
        f"INSERT INTO {PART}_b OVERRIDING SYSTEM VALUE SELECT * FROM {LOW} WHERE id >= 9",
        f"UPDATE {PART}_b SET rotation = 'by itself'",
    ),
    BRANCH_BACK: (
        f"ALTER TABLE {SOURCE} DETACH PARTITION {PART}",
        f"UPDATE {PART} SET rotation = 'alone'",
        f"DELETE FROM {LOW}",
        f"ALTER TABLE {SOURCE} ATTACH PARTITION {PART} FOR VALUES WITH (modulus 2, remainder 0)",
    ),
    "a branch dropped and made again with other partitions": (
        f"DROP TABLE {PART}",
        f"CREATE TABLE {PART} PARTITION OF {SOURCE} FOR VALUES WITH (modulus 2, remainder 0)"
        " PARTITION BY RANGE (id)",
        f"CREATE TABLE {PART}_a PARTITION OF {PART} FOR VALUES FROM (MINVALUE) TO ('60')",
        f"INSERT INTO {SOURCE} (id, person_id, programme_id, curriculum_id) OVERRIDING SYSTEM VALUE"
        " SELECT n, 1, 1, c FROM generate_series(1, 9) AS n, generate_series(0, 2) AS c"
        " ON CONFLICT DO NOTHING",
        f"UPDATE {PART}_a SET rotation = 'by itself'",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", LEVELS)
@pytest.mark.parametrize("revision", ["0003", "0004"])
def test_what_becomes_of_a_partition_on_the_second_level_is_followed(
    revision: str, change: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, RENAMED["levels"], "renamed levels")
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for text in LEVELS[change]:
            pg.execute(text.encode())
    assert seen(chain)
    following = chain.subject.revisions[chain.subject.revisions.index(revision) + 1]
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.up(following)
    if change == BRANCH_BACK and chain.value("SHOW server_version_num") >= "170000":
        # PostgreSQL has not given the leaves the identity again, and could not take it away later.
        with pytest.raises(CannotCarry, match='identity of column "id", which it lacks'):
            repaired(chain)
        chain.run(*(text for end, bound in BELOW.items() for text in (
            f"ALTER TABLE {PART} DETACH PARTITION {PART}_{end}",
            f"ALTER TABLE {PART} ATTACH PARTITION {PART}_{end} FOR VALUES FROM {bound}",
        )))  # fmt: skip

    assert repaired(chain)

    assert seen(chain) == [] and apart(chain) == []
    for table in (SOURCE, PART, *leaves(chain, SOURCE)):
        chain.run(f"UPDATE {table} SET rotation = '{table[-20:]}'")
        assert apart(chain) == []
    rows = chain.source()
    chain.up(*(r for r in chain.subject.revisions if r > revision))
    assert chain.child() == rows
    chain.down_to("0002")
    assert chain.source() == rows

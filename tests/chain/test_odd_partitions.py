"""Partitions that are unlike the table: another order of columns, strange names, odd bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.portrait import Member, differences
from tests.chain.driver import Chain, Subject, build, snapshot
from tests.chain.fixed import fill
from tests.chain.partitioned import HASHED, NAME, ROOT, hashed, partitioned
from tests.chain.subjects import MEMBERSHIP, renamed
from tests.chain.test_partitioned import WRITES, leaves
from tests.fixtures.chains import ChainAt

SOURCE, CHILD = f"public.{NAME}", "public.curriculum_membership"
SECOND = f"{SOURCE}_p1"
OTHER_ORDER = (
    f"ALTER TABLE {SOURCE} DETACH PARTITION {SECOND}",
    f"ALTER TABLE {SECOND} DROP COLUMN intrepid_id, DROP COLUMN rotation",
    f"ALTER TABLE {SECOND} ADD COLUMN gone int, ADD COLUMN rotation text,"
    " ADD COLUMN intrepid_id text",
    f"ALTER TABLE {SECOND} DROP COLUMN gone",
    f"ALTER TABLE {SOURCE} ATTACH PARTITION {SECOND} FOR VALUES WITH (modulus 3, remainder 1)",
)
NAMES = ("of \"Ü\" %s 'x'", "n" * 63, f"{NAME}"[:3])


def odd_names() -> tuple[Member, ...]:
    return tuple(replace(m, name=name) for m, name in zip(hashed(), NAMES, strict=True))


def of_root(name: str, bound: str) -> Member:
    return Member(schema="public", name=name, parent=ROOT, bound=bound)


BY_TIME = Subject(
    plan=replace(renamed(MEMBERSHIP).plan, id=("amended_date", "id")),
    schema="public",
    create=(
        *MEMBERSHIP.create,
        f"ALTER TABLE {SOURCE} RENAME TO plain",
        f"CREATE TABLE {SOURCE} (LIKE public.plain INCLUDING DEFAULTS,"
        " PRIMARY KEY (amended_date, id)) PARTITION BY RANGE (amended_date, id)",
        "DROP TABLE public.plain CASCADE",
        f"CREATE TABLE public.early PARTITION OF {SOURCE}"
        " FOR VALUES FROM (MINVALUE, MINVALUE) TO ('2021-01-01 00:00:00+00', 7)",
        f"CREATE TABLE public.late PARTITION OF {SOURCE}"
        " FOR VALUES FROM ('2021-01-01 00:00:00+00', 7) TO (MAXVALUE, MAXVALUE)",
    ),
)
BY_NOTHING = partitioned(
    "RANGE (id)",
    of_root("one", "FOR VALUES FROM ('0') TO ('1000000')"),
)
SUBJECTS: dict[str, Subject] = {
    "split, another order": replace(HASHED, create=(*HASHED.create, *OTHER_ORDER)),
    "renamed, another order": renamed(replace(HASHED, create=(*HASHED.create, *OTHER_ORDER))),
    "split, odd names": partitioned("HASH (id)", *odd_names()),
    "renamed, odd names": renamed(partitioned("HASH (id)", *odd_names())),
    "renamed, by time": BY_TIME,
    "renamed, one partition": renamed(BY_NOTHING),
}
ABROAD = (
    "ALTER DATABASE {} SET TimeZone = 'Asia/Kathmandu'",
    "ALTER DATABASE {} SET DateStyle = 'German, DMY'",
    "ALTER DATABASE {} SET IntervalStyle = 'sql_standard'",
    "ALTER DATABASE {} SET extra_float_digits = -5",
)


def of(chain_at: ChainAt, revision: str, name: str) -> Chain:
    subject = SUBJECTS[name]
    return chain_at(revision, subject=subject, name=f"odd, {name}", first=build(subject, fill))


def sound(chain: Chain, place: str) -> None:
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts), place


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_up_down_and_up_with_writes_at_every_revision(name: str, chain_at: ChainAt) -> None:
    chain = of(chain_at, "0002", name)
    database = chain.value("SELECT quote_ident(current_database())")
    chain.run(*(text.format(database) for text in ABROAD))
    before = snapshot(chain)
    for revision in chain.subject.revisions:
        chain.up(revision)
        sound(chain, revision)
    chain.down_to("0002")
    after = snapshot(chain)
    assert after.tables == before.tables
    assert differences(before.portrait, after.portrait) == ()
    for revision in chain.subject.revisions:
        chain.up(revision)
        written = CHILD if revision >= "0005" else SOURCE
        for write in WRITES[:4] if revision < "0006" else ():
            chain.run(write.format(t=written))
            sound(chain, f"{revision}: {write}")
        for leaf in leaves(chain, written):
            chain.run(f"UPDATE {leaf} SET curriculum_id = curriculum_id")
            # Later it would leave parents without a child, which the way down refuses.
            if revision < "0009":
                chain.run(f"DELETE FROM {leaf} WHERE id = (SELECT max(id) FROM {leaf})")
            sound(chain, f"{revision}: {leaf}")
    rows = chain.child()
    chain.down_to("0002")
    assert {key: row["curriculum_id"] for key, row in chain.source().items()} == {
        key: row["curriculum_id"] for key, row in rows.items()
    }

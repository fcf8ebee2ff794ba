"""Unique values in the way of repair: exchanged, held by a row too many, or not to be mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from membership_refactor.errors import RefactorError
from membership_refactor.inspect import repair
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from tests.chain.driver import REVISIONS, Chain, Subject, build, insert, snapshot
from tests.chain.subjects import MEMBERSHIP, ODD
from tests.inspect.corruptions import V8, Place
from tests.inspect.tables import at, memberships, tamper

SUBJECTS = pytest.mark.parametrize("subject", [MEMBERSHIP, ODD], ids=["membership", "odd"])
COPY = "public.curriculum_membership"


def exchanged(table: str, column: str, values: tuple[str, str], spare: str) -> list[str]:
    """Updates that give each of two rows the other's value."""
    one, two = values
    return [
        f"UPDATE {table} SET {column} = '{new}' WHERE {column} = '{old}'"
        for old, new in ((one, spare), (two, one), (spare, two))
    ]


def restored(chain: Chain, texts: Sequence[str]) -> None:
    before = snapshot(chain)
    tamper(chain, *texts)
    verified = verify_all(chain.runner())
    assert verified.count > 0
    repair_all(chain.runner(), verified)
    assert verify_all(chain.runner()).count == 0
    assert snapshot(chain).tables == before.tables


@SUBJECTS
def test_exchanged_uuids_of_derived_parents_are_mended(
    subject: Subject, template_database: Any
) -> None:
    chain = at("0007", subject, template_database)
    p = Place(chain)
    values = p.parent_of(0), p.parent_of(p.stranger(0))
    restored(chain, exchanged(p.parent, p.uuid, values, V8))


@SUBJECTS
def test_a_derived_parent_under_another_uuid_is_mended(
    subject: Subject, template_database: Any
) -> None:
    """The childless one holds the key of the one that is missing."""
    chain = at("0007", subject, template_database)
    p = Place(chain)
    restored(
        chain, [f"UPDATE {p.parent} SET {p.uuid} = '{V8}' WHERE {p.uuid} = '{p.parent_of(2)}'"]
    )


def with_unique_badges(revision: str, new_database: Any) -> Chain:
    url = new_database()
    build(MEMBERSHIP, insert(MEMBERSHIP, memberships()))(url)
    chain = Chain(url, MEMBERSHIP)
    chain.run("ALTER TABLE public.programme_membership ADD UNIQUE (intrepid_id)")
    chain.up(*(r for r in REVISIONS if r <= revision))
    return chain


def test_an_exchanged_unique_value_of_the_copy_is_mended(new_database: Any) -> None:
    chain = with_unique_badges("0003", new_database)
    restored(chain, exchanged(COPY, "intrepid_id", ("i1", "i2"), "spare"))


def test_a_row_too_many_gives_its_unique_value_back_first(
    new_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "MENDED_AT_ONCE", 1)
    chain = with_unique_badges("0004", new_database)
    restored(chain, [f"UPDATE {COPY} SET id = 99 WHERE id = 3"])


def test_a_row_that_others_refer_to_is_not_deleted(new_database: Any) -> None:
    """What cannot be mended is said in one sentence, with keys and what to do; nothing is kept."""
    chain = with_unique_badges("0003", new_database)
    chain.run(f"CREATE TABLE public.note (m bigint REFERENCES {COPY} ON DELETE CASCADE)")
    chain.run("INSERT INTO public.note VALUES (2), (3)")
    tamper(chain, *exchanged(COPY, "intrepid_id", ("i1", "i2"), "spare"))
    broken = snapshot(chain)
    with pytest.raises(RefactorError) as refused:
        repair_all(chain.runner(), verify_all(chain.runner()))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(
        '"source and copy" cannot be repaired, 2 keys, first 2, 3: '
    )
    assert str(refused.value).endswith(
        "Run alembic downgrade 0002, then upgrade again; this rebuilds the rows."
    )
    assert snapshot(chain).tables == broken.tables
    assert chain.value("SELECT count(*) FROM public.note") == 2


def test_an_exchange_while_both_tables_are_written_is_refused_in_one_sentence(
    new_database: Any,
) -> None:
    """At 0004 a row that goes from the copy would go from the source, too."""
    chain = with_unique_badges("0004", new_database)
    tamper(chain, *exchanged(COPY, "intrepid_id", ("i1", "i2"), "spare"))
    broken = snapshot(chain)
    with pytest.raises(RefactorError, match="cannot be repaired, 2 keys, first 2, 3: ") as refused:
        repair_all(chain.runner(), verify_all(chain.runner()))
    assert "INSERT" not in str(refused.value)
    assert "UPDATE" not in str(refused.value)
    assert snapshot(chain).tables == broken.tables

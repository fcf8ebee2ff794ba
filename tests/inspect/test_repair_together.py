"""Several things broken at once at 0008: repair mends them without merging or losing a group."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from membership_refactor.execution.sessions import run
from membership_refactor.inspect import repair
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.sql.parents.parent_uuid import another_uuid
from tests.chain.driver import REVISIONS, Chain, Subject, build, snapshot
from tests.chain.subjects import MEMBERSHIP, ODD
from tests.fixtures.steps import CHAIN
from tests.inspect.corruptions import V4, Place, drop_parent, link
from tests.inspect.tables import at, tamper

SUBJECTS = pytest.mark.parametrize("subject", [MEMBERSHIP, ODD], ids=["membership", "odd"])


def groups(place: Place) -> set[frozenset[object]]:
    """The children of each parent, whatever its uuid."""
    rows = place.chain.query(
        f"SELECT array_agg(c.{place.id}) FROM {place.copy} AS c "
        f"JOIN {place.parent} AS p ON p.{place.uuid} = c.{place.link} GROUP BY p.{place.uuid}"
    )
    return {frozenset(ids) for (ids,) in rows}


def without(place: Place, table: str, column: str) -> list[tuple[Any, ...]]:
    chain = place.chain
    row = f"(to_jsonb(t.*) - '{column}')::text"
    return sorted(chain.query(f"SELECT {row} FROM {table} AS t"))


def broken_and_mended(chain: Chain, *texts: str) -> None:
    """Every group is one again and says what it said; only uuids may be others."""
    place, plan = Place(chain), chain.plan
    before = groups(place)
    children = without(place, place.copy, plan.link)
    parents = without(place, place.parent, plan.parent_id)
    tamper(chain, *texts)
    verified = verify_all(chain.runner())
    assert verified.count > 0
    repair_all(chain.runner(), verified)
    assert verify_all(chain.runner()).count == 0
    assert groups(place) == before
    assert without(place, place.copy, plan.link) == children
    assert without(place, place.parent, plan.parent_id) == parents


def two_groups(p: Place) -> tuple[int, ...]:
    """The numbers of the children of two of them, the first child's before the other's."""
    other = p.stranger(0)
    return 0, p.sibling(0), other, p.sibling(other)


@SUBJECTS
def test_two_groups_under_one_dead_link_stay_two(subject: Subject, template_database: Any) -> None:
    chain = at("0008", subject, template_database)
    p = Place(chain)
    mine = two_groups(p)
    gone = (drop_parent(p, mine[0]), drop_parent(p, mine[2]))
    broken_and_mended(chain, *gone, *(link(p, n, V4) for n in mine))
    uuids = {p.parent_of(n) for n in mine}
    assert V4 in uuids, "the key of the latest child keeps the uuid that it has"


@SUBJECTS
def test_one_group_under_two_dead_links_is_one_again(
    subject: Subject, template_database: Any
) -> None:
    chain = at("0008", subject, template_database)
    p = Place(chain)
    before = snapshot(chain)
    last = max(0, p.sibling(0))
    broken_and_mended(chain, drop_parent(p, 0), link(p, last, V4))
    assert snapshot(chain).tables == before.tables


@SUBJECTS
def test_a_dead_uuid_goes_on_with_the_key_that_it_was_computed_from(
    subject: Subject, template_database: Any
) -> None:
    """Although a later child, of another key, has been given to it."""
    chain = at("0008", subject, template_database)
    p = Place(chain)
    before = snapshot(chain)
    stray = p.stranger(0)
    broken_and_mended(
        chain, drop_parent(p, 0), drop_parent(p, stray), link(p, stray, p.parent_of(0))
    )
    assert snapshot(chain).tables == before.tables


@SUBJECTS
@pytest.mark.parametrize("size", [1, 3, 5])
def test_groups_under_one_dead_link_stay_apart_across_repairs(
    size: int, subject: Subject, template_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent made for one repair's keys must not take in the children of the next."""
    monkeypatch.setattr(repair, "MENDED_AT_ONCE", size)
    chain = at("0008", subject, template_database)
    p = Place(chain)
    broken_and_mended(chain, f"DELETE FROM {p.parent}", f"UPDATE {p.copy} SET {p.link} = '{V4}'")


@SUBJECTS
def test_a_computed_uuid_that_serves_another_key_is_passed_by(
    subject: Subject, template_database: Any
) -> None:
    chain = at("0008", subject, template_database)
    p = Place(chain)
    mine = two_groups(p)
    third = next(n for n in range(12) if p.parent_of(n) not in {p.parent_of(m) for m in mine})
    latest, other = sorted(
        (p.parent_of(mine[0]), p.parent_of(mine[2])), key=lambda u: u != p.parent_of(max(mine))
    )
    gone = f"DELETE FROM {p.parent} WHERE {p.uuid} IN ('{latest}', '{other}')"
    moved = f"UPDATE {p.parent} SET {p.uuid} = '{other}' WHERE {p.uuid} = '{p.parent_of(third)}'"
    links = [
        *(link(p, n, V4) for n in mine),
        *(link(p, n, other) for n in (third, p.sibling(third))),
    ]
    broken_and_mended(chain, gone, moved, *links)
    assert {p.parent_of(n) for n in mine} == {V4, str(another_uuid(UUID(other)))}


@SUBJECTS
def test_exchanged_uuids_of_two_parents_are_seen_as_exchanged_links(
    subject: Subject, template_database: Any
) -> None:
    chain = at("0008", subject, template_database)
    p = Place(chain)
    a, b = p.parent_of(0), p.parent_of(p.stranger(0))
    swap = [(a, V4), (b, a), (V4, b)]
    broken_and_mended(
        chain,
        *(
            f"UPDATE {p.parent} SET {p.uuid} = '{new}' WHERE {p.uuid} = '{old}'"
            for old, new in swap
        ),
    )


def touched(node: dict[str, Any]) -> float:
    """Rows that a plan read, those included that a filter took away again."""
    each = node["Actual Rows"] + sum(v for k, v in node.items() if k.startswith("Rows Removed"))
    return float(each * node["Actual Loops"]) + sum(touched(n) for n in node.get("Plans", ()))


@pytest.mark.parametrize("gap", [False, True], ids=["no gap", "a gap in the key"])
def test_a_parent_is_found_by_its_whole_key(gap: bool, new_database: Any) -> None:
    """All children of one person disagree: what each reads must not grow with their number."""
    url, rows = new_database(), 300
    begun = "NULL" if gap else "'2020-01-01'"
    build(MEMBERSHIP, lambda _: None)(url)
    chain = Chain(url, MEMBERSHIP)
    chain.run(
        "INSERT INTO public.programme_membership (person_id, programme_id, curriculum_id, "
        "programme_membership_type, programme_start_date, programme_end_date, rotation) "
        f"SELECT 1, 1, 1, 't' || n, {begun}, {begun}, 'r' FROM generate_series(1, {rows}) AS n"
    )
    chain.up(*(r for r in REVISIONS if r <= "0008"))
    place = Place(chain)
    tamper(chain, f"UPDATE {place.parent} SET rotation = 'lost'")
    chain.run(f"ANALYZE {place.parent}", f"ANALYZE {place.copy}")
    runner = chain.runner()
    with runner.sessions("test").open() as pg:
        comparison = CHAIN["link_children"].compares(runner.situation(pg))[0]
        text = comparison.in_range(None, None)
        ((plan,),) = run(pg, f"EXPLAIN (ANALYZE, FORMAT JSON) {text}").fetchall()
    assert len(verify_all(runner).verdicts[0].findings) == rows
    assert touched(plan[0]["Plan"]) < 20 * rows

"""Rows written at any stage, in either style: down and up again they are the same rows, and every
parent has the same uuid; what an old row cannot say is refused beforehand."""

from __future__ import annotations

from uuid import UUID

import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.portrait import differences
from membership_refactor.sql.names import Names
from tests.chain.driver import REVISIONS, Chain, Snapshot, snapshot
from tests.chain.test_round_trip import assert_same
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import step_of
from tests.reference_model.split import Model, Rows

EVERYDAY = ("0004", "0007", "0008", "0009", "0011")
NOW = "'2030-01-01 00:00:00+00'"
COLUMNS = (
    "person_id, programme_id, programme_membership_type, programme_start_date, programme_end_date, "
    "curriculum_id, rotation, leaving_reason, amended_date"
)
KEY = (
    "(person_id, programme_id, programme_membership_type, programme_start_date, programme_end_date)"
)
FIRST = (
    "person_id = 1 AND programme_id = 1 AND programme_membership_type = 'SUBSTANTIVE' "
    "AND programme_start_date = '2020-01-01' AND programme_end_date = '2021-01-01'"
)
ONLY_GAPS = (
    "person_id = 1 AND programme_id = 1 AND programme_membership_type IS NULL "
    "AND programme_start_date IS NULL AND programme_end_date IS NULL"
)
ZERO = "person_id = 0 AND programme_membership_type = 'NULL'"


def old_style(table: str) -> tuple[str, ...]:
    """What an application does that knows one wide table."""
    insert = f"INSERT INTO {table} ({COLUMNS}) VALUES"
    return (
        f"{insert} (3, 2, 'NEW', NULL, 'infinity', 0, 'fresh', NULL, {NOW})",
        f"{insert} (3, 2, NULL, NULL, NULL, 1, 'a', NULL, {NOW}), "
        f"(3, 2, NULL, NULL, NULL, 1, 'b', 'x', {NOW}), (3, 2, '', NULL, NULL, 1, 'c', 'x', {NOW})",
        f"{insert} (1, 1, NULL, NULL, NULL, 2, 'joined', 'late', {NOW})",
        # One row of a group to another key, another one to a key that nobody had.
        f"UPDATE {table} SET {KEY} = (1, 1, '', '2020-01-01', NULL), amended_date = {NOW} "
        f"WHERE id = (SELECT min(id) FROM {table} WHERE {FIRST})",
        f"UPDATE {table} SET programme_end_date = '2035-01-01', amended_date = {NOW} "
        f"WHERE id = (SELECT max(id) FROM {table} WHERE {FIRST})",
        # A whole group to a key that nobody had; then somebody takes the key it left.
        f"UPDATE {table} SET programme_id = 9, amended_date = {NOW} WHERE {ZERO}",
        f"{insert} (0, -1, 'NULL', '1800-01-01', 'infinity', 0, 'again', NULL, {NOW})",
        f"UPDATE {table} SET leaving_destination = '', amended_date = {NOW} WHERE person_id = 2",
        f"DELETE FROM {table} WHERE programme_membership_type = 'SUBSTANTIVE '",
        f"DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table} "
        "WHERE programme_membership_type = 'Substantive')",
    )


def new_style(
    cm: str = "curriculum_membership", pm: str = "programme_membership"
) -> tuple[str, ...]:
    """What an application does that knows parents and children."""
    parent = (
        f"INSERT INTO {pm} (uuid, person_id, programme_id, programme_membership_type, "
        "programme_start_date, programme_end_date, rotation, amended_date) VALUES"
    )
    child = f"INSERT INTO {cm} (programme_membership_uuid, curriculum_id, amended_date)"
    return (
        f"{parent} ('11111111-1111-4111-8111-111111111111', 3, 0, 'V4', NULL, NULL, 'r4', {NOW})",
        f"{child} VALUES ('11111111-1111-4111-8111-111111111111', 0, {NOW}), "
        f"('11111111-1111-4111-8111-111111111111', 1, {NOW})",
        f"{child} SELECT uuid, 2, {NOW} FROM {pm} WHERE {ONLY_GAPS}",
        # A parent gets another key and keeps its uuid; the key that it left gets a new parent.
        f"UPDATE {pm} SET programme_membership_type = 'MOVED', amended_date = {NOW} WHERE {FIRST}",
        f"{parent} ('22222222-2222-4222-8222-222222222222', 1, 1, 'SUBSTANTIVE', '2020-01-01', "
        f"'2021-01-01', 'heir', {NOW})",
        f"{child} VALUES ('22222222-2222-4222-8222-222222222222', 0, {NOW})",
        f"UPDATE {pm} SET rotation = 'new style', rotation_id = NULL, amended_date = {NOW} "
        "WHERE programme_membership_type = ''",
        # A child changes its parent, and a parent loses the last of its children and goes.
        f"UPDATE {cm} SET programme_membership_uuid = '11111111-1111-4111-8111-111111111111', "
        f"amended_date = {NOW} WHERE id = (SELECT max(id) FROM {cm} WHERE "
        f"programme_membership_uuid = (SELECT uuid FROM {pm} WHERE person_id = 2))",
        f"DELETE FROM {cm} WHERE programme_membership_uuid = (SELECT uuid FROM {pm} WHERE {ZERO})",
        f"DELETE FROM {pm} WHERE {ZERO}",
    )


def writes(revision: str) -> tuple[str, ...]:
    """Each stage's styles."""
    wide, copy = "public.programme_membership", "public.curriculum_membership"
    parts: dict[str, tuple[str, ...]] = {
        "0003": old_style(wide),
        "0004": (*old_style(wide)[:5], *old_style(copy)[5:]),
        "0005": old_style(copy),
        "0006": old_style(copy),
        "0007": old_style(copy),
        "0008": (*old_style(copy)[2:5], *new_style(), *old_style(copy)[7:9]),
    }
    return parts.get(revision, new_style())


def write(chain: Chain, revision: str) -> None:
    for text in writes(revision):
        chain.run(text, settings=("SET search_path = public",))


def joined(chain: Chain) -> Rows:
    """Parent and child laid side by side, as the wide rows that they stand for."""
    plan, parents = chain.plan, chain.parents()
    wide: Rows = {}
    for id, child in chain.child().items():
        parent = parents[child[plan.link] or ""]
        row = {**child, **{c: parent[c] for c in plan.deprecated}}
        del row[plan.link]
        wide[id] = row
    return wide


def only(rows: Rows, columns: tuple[str, ...]) -> dict[str, Rows]:
    return {"": {id: {c: row[c] for c in columns} for id, row in rows.items()}}


def names(chain: Chain) -> Names:
    return Names(chain.plan, chain.subject.schema)


def carried(chain: Chain, top: Snapshot) -> dict[str, Rows]:
    """The tables, with the time of a parent's change on children that are older: the way down
    carried the change into their rows, and has to show it to who reads by that time. A parent
    that is made anew begins with the greatest time of its children. A child that loses its own
    value once more, on the new way up, gets the time of the parent whose value it is given."""
    plan, tables = chain.plan, dict(top.tables)
    assert plan.changed is not None
    lost = f'SELECT "child id"::text FROM {names(chain).own("replaced")}'
    losers, now = {id for (id,) in chain.query(lost)}, chain.parents()
    children: Rows = {}
    for id, child in tables[plan.child].items():
        parent = tables[plan.parent][child[plan.link] or ""]
        changed = child[plan.changed] or ""
        if (parent[plan.changed] or "") > "2030" > changed:
            changed = parent[plan.changed] or ""
        if id in losers:
            changed = max(changed, now[child[plan.link] or ""][plan.changed] or "")
        children[id] = {**child, plan.changed: changed}
    parents = dict(tables[plan.parent])
    for child in children.values():
        uuid, changed = child[plan.link] or "", child[plan.changed] or ""
        if changed > max("2030", parents[uuid][plan.changed] or ""):
            parents[uuid] = {**parents[uuid], plan.changed: changed}
    return {**tables, plan.child: children, plan.parent: parents}


def no_uuid_serves_two(chain: Chain) -> None:
    parents = chain.parents()
    keys = {tuple(p[c] for c in chain.plan.key) for p in parents.values()}
    assert len(keys) == len(parents)


@pytest.mark.parametrize(
    "revision",
    [
        # Every kind of writing; the other stages meet the same triggers in the tests below.
        pytest.param(r, marks=() if r in EVERYDAY else pytest.mark.slow)
        for r in REVISIONS
    ],
)
def test_rows_written_at_a_stage_come_back_with_their_uuids(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    write(chain, revision)
    chain.up_to("0011", after=revision)
    top = snapshot(chain)
    wide = joined(chain)
    no_uuid_serves_two(chain)
    assert any(UUID(u).version == 4 for u in chain.parents()) == (revision >= "0008")

    chain.down_to("0002")
    own = (*chain.plan.ids, *chain.plan.key, *chain.plan.child_columns)
    assert_same(only(chain.source(), own), only(wide, own), "down to 0002")

    chain.up_to("0011")
    again = snapshot(chain)
    assert_same(again.tables, carried(chain, top), "up again")
    assert differences(top.portrait, again.portrait) == ()


@pytest.mark.parametrize("revision", ["0010", "0009", "0008"])
def test_rows_written_on_the_way_down_come_back_with_their_uuids(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision, down=True)
    write(chain, revision)
    parents = chain.parents()
    links = {id: row[chain.plan.link] for id, row in chain.child().items()}
    chain.down_to("0002", before=revision)
    chain.up_to("0011")
    assert chain.parents().keys() == parents.keys()
    assert {id: row[chain.plan.link] for id, row in chain.child().items()} == links


@pytest.mark.parametrize("revision", ["0003", "0004", "0005", "0006", "0007"])
@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_old_style_rows_written_before_0008_end_as_if_they_had_always_been_there(
    revision: str, down: bool, chain_at: ChainAt
) -> None:
    """The capture of each stage, against the model of the rows that then stand."""
    chain = chain_at(revision, down=down)
    types = chain_at("0002").types()
    write(chain, revision)
    wide = {
        id: {c: v for c, v in row.items() if c != chain.plan.link}
        for id, row in chain.child().items()
    }
    model = Model(chain.plan, types, list(wide.values()))
    if revision <= "0004":
        assert_same({"": chain.source()}, {"": wide}, "source")
    assert_same({"": chain.child()}, {"": model.copy()}, "copy")
    if revision == "0007":
        assert_same({"": chain.parents()}, {"": model.parents()}, "parents")
    chain.up_to("0008", after=revision)
    assert_same({"": chain.parents()}, {"": model.parents()}, "parents at 0008")
    assert_same({"": chain.child()}, {"": model.interim()}, "children at 0008")
    chain.down_to("0002", before="0008")
    assert_same({"": chain.source()}, {"": model.source()}, "source, back again")


def childless(chain: Chain) -> None:
    for n in (1, 2):
        chain.run(
            "INSERT INTO public.programme_membership (uuid, person_id, programme_id, "
            f"programme_membership_type) VALUES ('{n}{'3' * 7}-3333-4333-8333-333333333333', "
            f"3, 2, 'no child {n}')"
        )


@pytest.mark.parametrize("revision", ["0008", "0009", "0010", "0011"])
def test_a_parent_without_children_is_refused_by_the_first_downgrade_on_the_way(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    childless(chain)
    before = snapshot(chain)
    with pytest.raises(CheckFailed) as refused:
        chain.runner().downgrade(step_of(revision), lowest="link_children")
    message = str(refused.value)
    assert "parents have children" in message
    assert refused.value.count == 2
    assert "13333333-3333-4333-8333-333333333333" in message
    assert "no child 2" in message
    assert "Delete those parents or give each a child" in message
    after = snapshot(chain)
    assert after.tables == before.tables
    assert after.own == before.own

    chain.run(
        "DELETE FROM public.programme_membership WHERE programme_membership_type LIKE 'no c%'"
    )
    chain.down_to("0007", before=revision)


@pytest.mark.parametrize("revision", ["0009", "0010", "0011"])
def test_a_downgrade_that_ends_above_0008_takes_a_parent_without_children_along(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    childless(chain)
    parents = chain.parents()
    chain.down_to("0008", before=revision)
    assert chain.parents() == parents
    chain.up_to("0011", after="0008")
    assert chain.parents() == parents


@pytest.mark.parametrize("revision", ["0009", "0010", "0011"])
def test_a_parent_of_ours_that_was_emptied_after_the_freeze_is_listed_and_stays(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    emptied = next(u for u, p in chain.parents().items() if p["person_id"] == "2")
    chain.run(
        f"DELETE FROM public.curriculum_membership WHERE programme_membership_uuid = '{emptied}'"
    )
    chain.down_to("0008", before=revision)
    assert emptied in chain.parents()
    with pytest.raises(CheckFailed, match=emptied):
        chain.down("0008")


def test_a_later_change_of_one_value_does_not_bring_back_another_that_lost(
    chain_at: ChainAt,
) -> None:
    """Two siblings, of which one lost a value at 0008; then the parent gets another value of
    another column. Down and up again, the parent is the one that it was."""
    chain = chain_at("0011")
    for uuid in chain.parents():
        chain.run(
            f"UPDATE public.programme_membership SET leaving_destination = 'x', "
            f"amended_date = {NOW} WHERE uuid = '{uuid}'"
        )
    top = snapshot(chain)
    chain.down_to("0002")
    chain.up_to("0011")
    assert_same(snapshot(chain).tables, carried(chain, top), "up again")

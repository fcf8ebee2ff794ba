"""What stands on a table that a step drops is named before anything is changed."""

from __future__ import annotations

import pytest

from membership_refactor.errors import CheckFailed
from tests.chain.driver import snapshot
from tests.chain.subjects import IN_PLACE
from tests.chain.test_changed_partitions import repaired, seen, subject_at
from tests.chain.test_partitions_of_splits import RANGED
from tests.fixtures.chains import ChainAt

REFERS = "CREATE TABLE noted (uuid uuid REFERENCES {parent} (uuid))"
CASES = {
    "a foreign key to the parent": ("0008", REFERS, "noted_uuid_fkey on table public.noted"),
    "a foreign key to the parent, which is no parent yet to applications": (
        "0007",
        REFERS,
        "noted_uuid_fkey on table public.noted",
    ),
    "a view of the parent": ("0008", "CREATE VIEW noted AS SELECT uuid FROM {parent}", "view"),
    "a function that takes the parent's rows": (
        "0008",
        "CREATE FUNCTION noted({parent}) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function",
    ),
    "a view of the link": ("0008", "CREATE VIEW noted AS SELECT {link} FROM {child}", "view"),
    "a trigger of the link": (
        "0008",
        "CREATE TRIGGER noted BEFORE UPDATE OF {link} ON {child} FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "trigger noted",
    ),
}
"""The revision, what somebody makes there, and how it is named."""


@pytest.mark.parametrize("case", CASES)
def test_what_stands_on_parent_or_link_is_named_before_the_way_down_begins(
    case: str, chain_at: ChainAt
) -> None:
    revision, made, said = CASES[case]
    chain = chain_at(revision, subject=IN_PLACE, name="in place")
    names = chain.names
    chain.run(made.format(parent=names.parent, child=names.child, link=names.plan.link))
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match="nothing stands on") as refused:
        chain.down_to(chain.subject.start, before=revision)
    assert said in f"{refused.value}"
    assert snapshot(chain) == before


def test_a_foreign_key_to_the_parent_of_a_copy_is_named_and_the_way_down_goes_on_without_it(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0007")
    chain.run(REFERS.format(parent=chain.names.parent))
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match=r"noted_uuid_fkey on table public\.noted"):
        chain.down_to("0002", before="0007")
    assert snapshot(chain) == before
    chain.run("DROP TABLE noted")
    chain.down_to("0002", before="0007")


@pytest.mark.parametrize("revision", ["0003", "0004"])
def test_a_view_of_the_copy_is_named_before_the_way_down_begins(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    chain.run(f"CREATE VIEW noted AS SELECT id FROM {chain.names.copy}")
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match=r"nothing stands on the copy.*view public.noted"):
        chain.down_to("0002", before=revision)
    assert snapshot(chain) == before
    chain.run("DROP VIEW noted")
    chain.down_to("0002", before=revision)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW noted AS SELECT id FROM {archive}",
        "CREATE TABLE noted (id bigint REFERENCES {archive} (id))",
    ],
    ids=["a view", "a foreign key"],
)
def test_what_stands_on_the_archive_is_named_before_it_is_dropped(
    made: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0010")
    chain.run(made.format(archive=chain.names.retired))
    before = snapshot(chain)
    with pytest.raises(CheckFailed, match=r"nothing stands on the archive.*public\.noted"):
        chain.up("0011")
    assert snapshot(chain) == before
    chain.run("DROP VIEW noted" if "VIEW" in made else "DROP TABLE noted")
    chain.up("0011")


def test_a_foreign_key_to_the_source_that_the_child_has_taken_over_stops_no_way_down(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    chain.run(f"CREATE TABLE noted (id bigint REFERENCES {chain.names.source} (id))")
    chain.up_to("0008")
    chain.down_to("0002", before="0008")


def test_a_partition_that_was_detached_and_kept_lets_its_parents_go(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0008", RANGED, "split by range")
    child, first = chain.names.child, f"{chain.plan.child}_first"
    chain.run(f"ALTER TABLE {child} DETACH PARTITION {first}")
    repaired(chain)
    assert seen(chain) == []
    left = f"SELECT conname FROM pg_constraint WHERE conrelid = '{first}'::regclass AND confrelid ="
    assert chain.query(f"{left} '{chain.names.parent}'::regclass") == []
    chain.down_to("0002", before="0008")

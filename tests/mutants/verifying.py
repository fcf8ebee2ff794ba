"""Verify and repair with one protection removed."""

from __future__ import annotations

from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, called, instead, mutant, replaced
from tests.mutants.scenes import RR, Scene, past_all_triggers, to
from tests.races.pilot import Pilot
from tests.races.tables import COLUMNS, COPY, SOURCE, assert_equal, execute, query

OWN = "11111111-1111-4111-8111-111111111111"
WRITTEN = ", ".join(c for c in COLUMNS if c not in ("id", "twice", "badge"))


def extra(n: int) -> str:
    """A row of the copy that the source does not have."""
    return f"INSERT INTO s.narrow (id, {WRITTEN}) SELECT {n}, {WRITTEN} FROM s.narrow WHERE id = 11"


def found_at(revision: str, table: str, text: str, *keys: str) -> Scene:
    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, revision)
        past_all_triggers(pilot.url, table, text)
        verdicts = verify_all(pilot.runner).verdicts
        assert tuple(f.key for v in verdicts for f in v.findings) == keys

    return called(f"found at {revision}: {text}", scene)


def a_row_with_a_kept_link_gets_the_computed_one(pilot: Pilot, stage: Stage) -> None:
    """Its key belongs to a parent with a uuid of its own, which the ledger keeps."""
    to(pilot, "0008")
    execute(
        pilot.url,
        f"INSERT INTO s.wide (uuid, person_id, programme) VALUES ('{OWN}', 1, 77)",
        f"INSERT INTO s.narrow (id, parent_uuid, curriculum) VALUES (90001, '{OWN}', 1)",
    )
    pilot.downgrade("0008")
    assert verify_all(pilot.runner).count == 0
    computed = "s_refactor.m_uuid(person_id, programme, kind, began)"
    past_all_triggers(
        pilot.url, COPY, f"UPDATE s.narrow SET parent_uuid = {computed} WHERE id = 90001"
    )
    assert ("90001", "different") in {
        (f.key, f.difference) for v in verify_all(pilot.runner).verdicts for f in v.findings
    }


def a_parent_says_something_else_than_its_children(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0007")
    parent = query(pilot.url, "SELECT parent_uuid::text FROM s.narrow WHERE id = 11")[0][0]
    past_all_triggers(
        pilot.url, SOURCE, f"UPDATE s.wide SET rotation = 'mine' WHERE uuid = '{parent}'"
    )
    assert {f.key for v in verify_all(pilot.runner).verdicts for f in v.findings} == {parent}


def broken_at_0003(pilot: Pilot) -> None:
    to(pilot, "0003")
    past_all_triggers(pilot.url, COPY, "DELETE FROM s.narrow WHERE id = 11")


def a_writer_older_than_the_repair(pilot: Pilot, stage: Stage) -> None:
    broken_at_0003(pilot)
    old = stage.session("old", RR)
    old.begin()
    repair_all(pilot.runner, verify_all(pilot.runner))
    old.outcome("DELETE FROM s.wide WHERE id = 11")
    old.commit()
    assert_equal(pilot.url)


def a_writer_is_at_the_row_while_it_is_mended(pilot: Pilot, stage: Stage) -> None:
    """Repair reads again under its lock, so the writer is either before or after all of it."""
    broken_at_0003(pilot)
    found = verify_all(pilot.runner)
    writer = stage.session("writer")
    pilot.start(lambda runner: void(repair_all(runner, found)), until=r'^INSERT INTO "s"\."narrow"')
    step = writer.start("DELETE FROM s.wide WHERE id = 11")
    step.settled()
    pilot.finish()
    step.outcome()
    assert_equal(pilot.url)


def void(_: object) -> None:
    """The flight of a pilot returns nothing."""


def what_stood_there_is_kept(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0003")
    past_all_triggers(pilot.url, COPY, "UPDATE s.narrow SET rotation = 'mine' WHERE id = 11")
    repair_all(pilot.runner, verify_all(pilot.runner))
    assert query(pilot.url, "SELECT was ->> 'rotation' FROM s_refactor.repair") == [("mine",)]


def a_trigger_resists_the_repair(pilot: Pilot, stage: Stage) -> None:
    """What could not be mended is said, and not called mended."""
    broken_at_0003(pilot)
    execute(
        pilot.url,
        "CREATE FUNCTION s.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        'CREATE TRIGGER "AA" BEFORE INSERT ON s.narrow FOR EACH ROW EXECUTE FUNCTION s.no()',
    )
    try:
        repair_all(pilot.runner, verify_all(pilot.runner))
    except Exception as error:
        assert "still differs after the repair" in str(error)
    else:
        raise AssertionError("a repair that mended nothing said that it had")


class BlindAfterwards:
    """Under the lock the keys are looked at once, not again after mending."""

    def __init__(self) -> None:
        self.looked = False

    def __call__(self, text: str) -> str:
        if not text.startswith("SELECT coalesce(a.") or "= ANY (ARRAY[" not in text:
            return text
        if self.looked:
            return "SELECT ''::text, ''::text, '{}'::text[] WHERE false"
        self.looked = True
        return text


IMAGES = r'pg_catalog\.record_image_ne\(ROW\((\w)\."score"[^()]*\), ROW\((\w)\.[^()]*\)\)'
MUTANTS: tuple[Mutant, ...] = (
    mutant("the last range ends with the last row",
           replaced(r"c\.before::text, c\.key::text,(?=[\s\S]*count\(\*\) FROM ([^\s)]+)\))",
                    r"c.before::text, coalesce(c.key::text, (SELECT max(id)::text FROM \1)),"),
           found_at("0003", COPY, extra(100001), "100001")),
    mutant("the first range begins with the first row",
           replaced(r"c\.before::text,", "coalesce(c.before::text, '0'),"),
           found_at("0003", COPY, extra(-1), "-1")),
    mutant("only the source's rows are compared", replaced("FULL JOIN", "LEFT JOIN", "'missing'"),
           found_at("0003", COPY, extra(16), "16")),
    mutant("values are compared, not their images", replaced(IMAGES, r'\1."score" <> \2."score"',
                                                              "'missing'"),
           found_at("0003", COPY, "UPDATE s.narrow SET score = trim_scale(score) WHERE id = 11",
                    "11")),
    mutant("a link that is missing is equal to any",
           replaced(r'b\."parent_uuid" IS DISTINCT FROM', 'b."parent_uuid" <>', "'different'"),
           found_at("0005", COPY, "UPDATE s.narrow SET parent_uuid = NULL WHERE id = 11", "11")),
    mutant("the uuids that the ledger keeps are not asked for",
           replaced(r'EXISTS \(SELECT FROM "s_refactor"\."m_kept"\)', "false", "'different'"),
           a_row_with_a_kept_link_gets_the_computed_one),
    mutant("only children without a parent make one suspect",
           replaced(r'(WHERE p\."uuid" IS NULL) OR \(', r"\1 AND (true OR ", "suspects"),
           a_parent_says_something_else_than_its_children),
    mutant("repair leaves the fence where it is", instead(r"^DO \$fence\$"),
           a_writer_older_than_the_repair),
    mutant("repair without its lock", instead(r'^LOCK TABLE "s"\."(wide|narrow)" IN SHARE ROW'),
           a_writer_is_at_the_row_while_it_is_mended),
    mutant("repair forgets what stood there", instead(r'^INSERT INTO "s_refactor"\."repair"'),
           what_stood_there_is_kept),
    Mutant("repair does not look again", BlindAfterwards, a_trigger_resists_the_repair),
)  # fmt: skip

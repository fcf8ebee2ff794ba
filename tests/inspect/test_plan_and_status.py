"""plan, status and checks by their functions: keys counted against a model, documents read back."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring

import psycopg
import pytest
from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.cli.plan import revision_texts
from membership_refactor.counts import counted
from membership_refactor.database import libpq_url
from membership_refactor.environment import connect_engine
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect import check_results, forecast_text
from membership_refactor.inspect import status_text as standing
from membership_refactor.inspect.check_results import CheckOutcome
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.keys import compare_keys
from membership_refactor.inspect.keys_text import KeyChoice
from membership_refactor.inspect.sizes import duration, size
from membership_refactor.inspect.status import read_standing
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import differences, from_json, to_json
from tests.cli.processes import ROOT, filled, query
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.steps import SHIPPED as CHAIN


@pytest.fixture
def engine(template_database: TemplateDatabase) -> Iterator[Engine]:
    made = connect_engine(template_database("cli filled", filled), "public")
    yield made
    made.dispose()


def runner(engine: Engine) -> Runner:
    return Runner(engine, SPLIT, "public", CHAIN, progress=Progress(quiet=True))


def memberships(engine: Engine) -> list[dict[str, Any]]:
    url = engine.url.render_as_string(hide_password=False)
    with psycopg.connect(libpq_url(url)) as connection:
        # As text: Python has no infinite date.
        listed = ", ".join(f"{c}::text" for c in SPLIT.source_columns)
        cursor = connection.execute(f"SELECT {listed} FROM programme_membership".encode())
        names = [c.name for c in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def spelled(value: Any) -> Any:
    return re.sub(r"\s+", "", value).lower() if isinstance(value, str) else value


def counted_in_python(rows: list[dict[str, Any]], choice: KeyChoice) -> dict[str, Any]:
    """The same numbers, found another way."""
    keys = {tuple(row[c] for c in choice.columns) for row in rows}
    plan_of, keys_of = defaultdict(set), defaultdict(set)
    for row in rows:
        key, own = (tuple(row[c] for c in columns) for columns in (choice.columns, SPLIT.key))
        plan_of[key].add(own)
        keys_of[own].add(key)
    spelling = defaultdict(set)
    for key in keys:
        spelling[tuple(map(spelled, key))].add(key)
    near = sum(len(group) > 1 for group in spelling.values())
    for place in range(len(choice.columns)):
        gap = defaultdict(set)
        for key in keys:
            gap[key[:place] + key[place + 1 :]].add(key[place] is None)
        near += sum(len(group) > 1 for group in gap.values())
    apart = {}
    for column, _ in choice.disagreeing:
        values = defaultdict(set)
        for row in rows:
            values[tuple(row[c] for c in choice.columns)].add(row[column])
        apart[column] = sum(len(group) > 1 for group in values.values())
    return {
        "groups": len(keys),
        "gaps": sum(None in key for key in keys),
        "split": sum(len(group) > 1 for group in keys_of.values()),
        "merged": sum(len(group) > 1 for group in plan_of.values()),
        "near": near,
        "disagreeing": apart,
    }


def test_every_choice_of_key_is_counted_as_plain_python_counts_it(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    # Differences that generated data of this size may not have.
    query(
        url,
        """
        INSERT INTO programme_membership (person_id, programme_id, curriculum_id,
          programme_membership_type, programme_start_date, programme_end_date, rotation)
        SELECT (SELECT min(id) FROM person), (SELECT min(id) FROM programme),
          (SELECT min(id) FROM curriculum), t, s::date, e::date, r FROM (VALUES
          ('Locum', '2020-01-01', NULL, 'a'), ('LOCUM ', '2020-01-01', NULL, 'a'),
          (NULL, '2020-01-01', NULL, NULL), ('Locum', '2020-01-01', '2021-01-01', 'A'),
          ('Locum', NULL, '2021-01-01', ''), ('', NULL, '2021-01-01', NULL)) AS v (t, s, e, r)
        """,
    )
    rows = memberships(engine)
    choices, table, total = compare_keys(runner(engine))
    assert (table, total) == ('"public"."programme_membership"', len(rows))
    assert [c.name for c in choices] == [
        "plan",
        *(f"+ {c}" for c in SPLIT.parent_values),
        *(f"- {c}" for c in SPLIT.key),
    ]
    for choice in choices:
        found = {
            "groups": choice.groups,
            "gaps": choice.gaps,
            "split": choice.split,
            "merged": choice.merged,
            "near": sum(near.groups for near in choice.near),
            "disagreeing": dict(choice.disagreeing),
        }
        assert found == counted_in_python(rows, choice), choice.name
    assert choices[0].near[0].groups >= 1 and "LOCUM " in str(choices[0].near[0].examples)


def test_the_plans_json_is_the_portrait_that_a_script_is_made_for(engine: Engine) -> None:
    chain = runner(engine)
    texts = revision_texts(Config(ROOT / "alembic.ini"))
    made, portrait = forecast(chain, texts)
    document = {**json.loads(to_json(portrait)), "plan": forecast_text.as_values(made)}
    assert differences(chain.read(), from_json(json.dumps(document))) == ()

    assert [s.revision for s in made.steps] == [
        CHAIN.revisions.of(step.name) for step in CHAIN.above("enrollment_identity")
    ]
    rows = memberships(engine)
    keys = {tuple(row[c] for c in SPLIT.key) for row in rows}
    assert (made.rows, made.groups) == (len(rows), len(keys))
    by_revision = {s.revision: s for s in made.steps}
    assert by_revision["0003"].rows == len(rows)
    assert by_revision["0007"].rows == len(keys)
    assert by_revision["0005"].gates and by_revision["0005"].is_refused
    assert not by_revision["0003"].is_refused
    assert all(step.undo and step.deploy for step in made.steps)


def test_a_cascade_that_will_be_refused_is_announced(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    query(
        url,
        "ALTER TABLE programme_membership DROP CONSTRAINT fk_programme_membership_person_id, "
        "ADD CONSTRAINT fk_programme_membership_person_id FOREIGN KEY (person_id) "
        "REFERENCES person (id) ON DELETE CASCADE",
    )
    made, _ = forecast(runner(engine), revision_texts(Config(ROOT / "alembic.ini")))
    notes = {s.revision: s.notes for s in made.steps if s.notes}
    assert [r for r, said in notes.items() if "deleting a row" in str(said)] == ["0009"]
    assert 'deleting a row of "person"' in notes["0009"][0]


def test_more_workers_take_less_time_by_what_they_share(engine: Engine) -> None:
    texts = revision_texts(Config(ROOT / "alembic.ini"))
    taken = []
    for workers in (1, 4):
        chain = runner(engine)
        chain.options = Options(workers=workers)
        made, _ = forecast(chain, texts)
        assert made.workers == workers
        assert ("with 4 workers" in forecast_text.as_text(made)) is (workers == 4)
        # Each forecast measures the server anew.
        taken.append({s.name: s.seconds / made.times_as_long for s in made.steps})
    one, four = taken
    shared = {name for name in one if four[name] < 0.999 * one[name]}
    assert shared == {"copy_table", "rebuild_parent", "link_children"}
    assert all(four[name] >= one[name] / 4 for name in one)


def test_status_of_a_database_where_the_chain_stands_at_0002(engine: Engine) -> None:
    found = read_standing(runner(engine))
    assert (found.alembic_version, found.open_step, found.same_plan) == ("0002", None, True)
    assert [s.state for s in found.steps] == ["up"] * 2 + ["to come"] * 9
    shown = json.loads(json.dumps(standing.as_values(found), default=str))
    assert shown["steps"][0]["seconds"] >= 0
    assert "0003  copy_table" in standing.as_text(found)


def test_junit_survives_keys_that_xml_cannot_hold() -> None:
    hostile = CheckOutcome(
        name='a "check" <&>',
        sentence="it holds",
        broken=2,
        keys=("a\x00b", "]]> \ud800"),
        seconds=1.5,
    )
    fine = CheckOutcome(name="fine", sentence="it holds", broken=0, keys=(), seconds=0)
    suite = fromstring(check_results.as_junit([hostile, fine], "0003", "public"))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite[0].get("name") == 'a "check" <&>'
    failure = suite[0][0]
    assert failure.text is not None and "a\N{REPLACEMENT CHARACTER}b" in failure.text
    assert len(suite[1]) == 0


def test_numbers_are_said_as_a_reader_says_them() -> None:
    assert (size(0), size(2048), size(3 * 1024**3)) == ("0 bytes", "2.0 kB", "3.0 GB")
    assert (duration(0.04), duration(59.4), duration(200)) == ("0.0 s", "59 s", "3 min 20 s")
    assert (duration(7500), counted(1, "row"), counted(1234, "row")) == (
        "2 h 5 min", "1 row", "1,234 rows",
    )  # fmt: skip

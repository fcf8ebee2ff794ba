"""What the page says: of a chain that never began, of one in its third week, of hostile names."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from membership_refactor.planning.targets import deprecated_columns
from membership_refactor.report import read_page
from membership_refactor.report.felt_plot import MOST_BARS, fewer
from membership_refactor.report.page import as_html
from membership_refactor.report.page_values import Report, as_values
from membership_refactor.report.sentences import figures, notices, of_table
from membership_refactor.sql.pacing.felt import Span
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, Subject, build
from tests.chain.fixed import FIXED
from tests.chain.subjects import IN_PLACE, KEPT, MEMBERSHIP, ODD, RENAMED
from tests.cli.processes import filled, refactor
from tests.crashes.stopped_runs import Stopped
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.report.three_weeks import CONSUMERS, SCRIPT, fill, report

DEPRECATED = deprecated_columns(MEMBERSHIP.plan)


@pytest.fixture
def third_week(chain_at: ChainAt) -> Chain:
    chain = chain_at("0008")
    fill(chain)
    return chain


def said(found: Report) -> str:
    return "\n".join(notice.text for notice in notices(found))


def text_of(page: str) -> str:
    """The page without its tags and styles."""
    return re.sub(r"\s+", " ", re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", page))


def test_a_chain_that_never_began_has_a_line_for_each_part(chain_at: ChainAt) -> None:
    found = report(chain_at("0002"))
    page = text_of(as_html(found))
    assert "No step has run yet" in said(found)
    for line in (
        "0 of 9", "Nothing has been watched yet", "No consumer was scanned",
        "No check has been made yet", "verify has not compared", "No duplicates were merged",
        "No step has taken a short lock yet", "Nothing has happened yet",
    ):  # fmt: skip
        assert line in page, line
    # What is known is shown: the table, its rows, and how the key divides them.
    assert [(t.shape.name, t.rows, t.exact) for t in found.tables] == [
        ("programme_membership", 27, True)
    ]
    assert found.key is not None and found.key.groups == 10


def test_without_any_table_the_page_says_so(new_database: NewDatabase) -> None:
    found = report(Chain(new_database(), MEMBERSHIP))
    assert found.tables == () and found.why_no_key
    assert "None of the plan's tables is there" in text_of(as_html(found))


def test_the_third_week(third_week: Chain) -> None:
    found = report(third_week, CONSUMERS)
    page = text_of(as_html(found))
    (gate,) = [g for g in found.usage.gates if g.target == DEPRECATED and g.step == "0009"]
    assert gate.opens_at is not None
    last_use = max(u.last_at for u in found.usage.users if u.last_at)
    assert gate.opens_at == last_use + timedelta(days=14)
    assert f"closed until {gate.opens_at:%Y-%m-%d %H:%M} UTC" in said(found)
    assert "closed for another reason, although 14 days are covered" in page, "of the archive"
    assert [t.shape.name for t in found.tables] == [
        "programme_membership", "curriculum_membership", "programme_membership_retired",
    ]  # fmt: skip
    assert {t.shape.name: t.rows for t in found.tables} == {
        name: third_week.value(f"SELECT count(*) FROM {name}") for name in
        (t.shape.name for t in found.tables)
    }  # fmt: skip
    states = {state.name: state for state in found.consumers}
    assert list(states) == [*(c.name for c in CONSUMERS), "stray_script"]
    assert states["stray_script"].is_role and states["stray_script"].uses == 4
    assert states["Reporting"].uses == 8 and len(states["Reporting"].used_at) == 2
    assert states["Sync to Reval"].uses == 0
    assert [s.clear for s in states["Trainee service"].scans] == [False, False, True]
    assert [(w.reason, w.times, w.seconds, w.longest) for w in found.recorded.waits] == [
        ("replica lag", 2, 52.5, 40.0)
    ]
    (merge,) = found.recorded.merges
    assert (merge.merges, merge.undone, merge.removed) == (2, 1, 2)
    assert "the statistics were reset or lost in a crash" in page
    assert "1 hole;" in page and "2 holes;" not in page


def test_what_writers_felt_is_drawn_and_can_be_read_as_a_table(third_week: Chain) -> None:
    found = report(third_week)
    copied, checked = found.recorded.felt
    assert (copied.step, copied.direction, copied.title) == (
        "0003 copy_table",
        "up",
        "copy the rows",
    )
    assert (copied.whole.writes, copied.whole.longest_ms, copied.whole.share) == (280, 180.0, 0.5)
    assert (copied.whole.rows_per_second, copied.whole.lag_bytes) == (12_000, 2_000_000)
    assert copied.whole.waited_seconds == 5 and checked.title == SCRIPT
    page = as_html(found)
    said = text_of(page)
    assert "360 small writes: 2.8 ms in the middle, 180.0 ms at most, 1.8 ms when idle" in said
    assert "batches gave way for 5.0 s" in said
    assert "Small writes while 0003 copy_table went up" in said
    picture = page.partition("<title>Latency while 0003 copy_table up ran</title>")[2]
    picture = picture.partition("</svg>")[0]
    # Every span has the longest write and the median; ten medians are above what was allowed.
    assert picture.count('class="closed"') == 90 and picture.count('class="lock"') == 10
    assert picture.count('class="child"') == 80


def test_a_long_series_has_bars_that_can_be_seen() -> None:
    began = datetime(2026, 11, 27, tzinfo=UTC)
    spans = [
        Span(
            began=began + timedelta(seconds=n), ended=began + timedelta(seconds=n + 1), writes=4,
            median_ms=1, longest_ms=1 + n % 100, idle_ms=1, allowed_ms=3,
        )
        for n in range(1_000)
    ]  # fmt: skip
    bars = fewer(spans)
    assert MOST_BARS / 2 <= len(bars) <= MOST_BARS
    assert sum(bar.writes for bar in bars) == 4_000
    assert max(bar.longest_ms for bar in bars) == 100
    assert fewer(spans[:7]) == spans[:7]


def test_conflicts_are_those_of_the_parents_columns(chain_at: ChainAt) -> None:
    key = report(chain_at("0002")).key
    assert key is not None
    assert [name for name, _ in key.disagreeing] == list(MEMBERSHIP.plan.parent_values)
    assert dict(key.disagreeing)["rotation_id"] == 10


def test_what_verify_found_is_remembered(third_week: Chain) -> None:
    word = report(third_week).recorded.verified
    assert word is not None and word.findings == 0 and word.revision == "0008"
    assert "all rows agree" in dict(figures(report(third_week)))["verify"]


def test_values_that_were_replaced_are_counted_by_column(third_week: Chain) -> None:
    found = report(third_week).recorded.replaced
    ledger = third_week.runner().ledger.name
    names = third_week.names.own_name("replaced")
    assert found == tuple(
        (column, count)
        for column in third_week.plan.parent_values
        if (count := third_week.value(
            f'SELECT count(*) FROM {ledger}."{names}" WHERE "lost_{column}"'
        ))
    )  # fmt: skip
    assert found, "the rows of this chain disagree"


def test_what_a_database_says_is_escaped(third_week: Chain) -> None:
    page = as_html(report(third_week, CONSUMERS))
    assert "<script" not in page
    assert text_of(page).count("&lt;script&gt;") >= 2, "the reason, and the statement"
    assert SCRIPT in report(third_week).standing.acceptances[-1].reason


@pytest.mark.parametrize(
    ("subject", "name", "revision", "tables"),
    [
        (IN_PLACE, "in place", "0008", ["membership", "programme_membership"]),
        (RENAMED, "renamed", "0005", ["programme_membership_retired", "curriculum_membership"]),
        (KEPT, "kept", "0010", [KEPT.plan.parent, KEPT.plan.child, KEPT.plan.retired]),
    ],
    ids=["in place", "renamed", "kept"],
)
def test_plans_of_other_shapes(
    chain_at: ChainAt, subject: Subject, name: str, revision: str, tables: list[str]
) -> None:
    chain = chain_at(revision, subject=subject, name=name, first=FIXED)
    found = report(chain)
    assert [t.shape.name for t in found.tables] == tables
    for table in found.tables:
        columns = chain.columns(f"public.{table.shape.name}")
        assert sum(table.groups.values()) == len(columns), table
    page = text_of(as_html(found))
    if subject is RENAMED:
        assert "renames its table and has no key to compare" in page
    if subject is KEPT:
        assert "has the key columns and id side by side" in page


def test_an_open_step_is_shown_with_both_ways_out_and_what_it_is_making(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    done = 0

    def stop(text: str) -> None:
        nonlocal done
        done += 'INSERT INTO "public_refactor"."action"' in text
        if done > 3:
            raise Stopped(text)

    with pytest.raises(Stopped):
        chain.runner(engine=watched(chain.url, stop)).upgrade("copy_table")
    found = report(chain)
    (notice,) = [n for n in notices(found) if "is open up" in n.text]
    assert "alembic upgrade 0003" in notice.text and "abandon" in notice.text
    assert found.next_command == "alembic upgrade 0003"
    assert [(t.shape.name, t.shape.note) for t in found.tables] == [
        ("programme_membership", ""),
        ("curriculum_membership", "not finished"),
    ]
    assert "To do: " in text_of(as_html(found))


def test_a_large_table_is_counted_when_it_is_asked_for(
    chain_at: ChainAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_at("0002")
    monkeypatch.setattr(read_page, "KEY_ROWS", 26)
    monkeypatch.setattr(read_page, "EXACT_BYTES", 0)
    chain.run("ANALYZE programme_membership")
    found = report(chain)
    assert found.key is None and "--count-keys" in found.why_no_key
    assert [of_table(table)[:13] for table in found.tables] == ["about 27 rows"]
    asked = read_page.read_page(chain.runner(), {}, count_keys=True)
    assert asked.key is not None and asked.key.groups == 10


def test_names_that_need_quoting(chain_at: ChainAt) -> None:
    chain = chain_at("0008", subject=ODD, name="odd", first=build(ODD, lambda connection: None))
    found = report(chain)
    assert [t.shape.name for t in found.tables] == [
        ODD.plan.parent, ODD.plan.child, ODD.plan.retired,
    ]  # fmt: skip
    assert html.escape(ODD.plan.child) in as_html(found)


def test_every_value_is_in_the_json(third_week: Chain) -> None:
    document = json.loads(json.dumps(as_values(report(third_week, CONSUMERS)), default=str))
    assert document["standing"]["steps"][0]["name"] and document["usage"]["gates"][0]["step"]
    assert document["recorded"]["verified"]["revision"] == "0008"


def test_the_verb_writes_a_page_without_the_password(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    url = make_url(template_database("cli filled", filled)).set(password="hunter2")
    file = tmp_path / "page.html"
    done = refactor("report", "-o", str(file), url=url.render_as_string(hide_password=False))
    assert done.status == 0, done.err
    assert done.out.strip() == str(file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and "hunter2" not in text + done.out + done.err
    assert "0003 copy_table" in text and "https://" not in text


def test_a_consumers_file_with_an_unknown_role(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "consumers.toml"
    file.write_text(
        '[[consumer]]\nname = "sync"\nroles = ["nobody_has_this"]\nunaffected = "it listens"\n'
    )
    url = template_database("cli filled", filled)
    done = refactor("report", "--consumers", str(file), url=url)
    assert done.status == 0, done.err
    assert "roles that the server lacks: “nobody_has_this”" in done.out


def test_a_folder_that_is_not_there_is_named(template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    done = refactor("report", "-o", "/nowhere/page.html", url=url)
    assert done.said == "FAILED: /nowhere/page.html: No such file or directory.\n"

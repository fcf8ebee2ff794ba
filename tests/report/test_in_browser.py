"""The page in a real browser: errors, widths, light and dark, keyboard, contrast, paper."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from membership_refactor.report.page import as_html
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain
from tests.chain.fixed import at
from tests.chain.subjects import MEMBERSHIP
from tests.docs.blocks import document
from tests.report import pictures
from tests.report.browser import Opened, Scheme, program, running
from tests.report.three_weeks import CONSUMERS, fill, report

WIDTHS = (360, 1400)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PAGES = ("never began", "third week", "open step")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = program()
    if found is None:
        pytest.skip("no Chromium on this machine, so the page was not opened in a browser")
    with running(found) as started:
        yield started


@pytest.fixture(scope="module")
def pages(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page for each state of a chain."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, revision in zip(PAGES, ("0002", "0008", "0006"), strict=True):
        url = at(databases, revision)
        chain = Chain(url, MEMBERSHIP)
        if name != "never began":
            fill(chain)
        if name == "open step":
            leave_open(chain)
        made[name] = folder / f"{name}.html"
        made[name].write_text(as_html(report(chain, CONSUMERS)), encoding="utf-8")
        databases.drop(url)
    return made


def leave_open(chain: Chain) -> None:
    """Step 0007 as a killed run leaves it, with half of a job, paused, and a failed check."""
    plan = chain.plan.name
    ledger = chain.runner().ledger
    chain.run(
        f"INSERT INTO {ledger.table('step')} (plan, step, direction, state, now) SELECT plan, "
        f"'rebuild_parent', 'up', 'open', now FROM {ledger.table('step')} "
        f"WHERE plan = '{plan}' AND step = 'create_parent'",
        f"INSERT INTO {ledger.table('batch')} (plan, job, n, done, rows, claimed_at, done_at) "
        f"SELECT '{plan}', 'rebuild_parent up build', n, n < 3, 1000, now() - interval '2 min', "
        "now() FROM generate_series(1, 4) AS n",
        f"INSERT INTO {ledger.table('control')} (plan, paused, note) "
        f"VALUES ('{plan}', true, 'until the backup has ended')",
        f"INSERT INTO {ledger.table('check_result')} (plan, step, direction, name, broken, keys, "
        f"seconds) VALUES ('{plan}', 'create_parent', 'up', 'a check', 3, '{{4,5}}', 1)",
    )


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_whole(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: Scheme
) -> None:
    opened = Opened(browser, width=width, scheme=scheme)
    opened.go(pages[name])
    assert opened.requests == [pages[name].as_uri()], "the page loads nothing else"
    opened.page.click("details summary") if name != "never began" else None
    assert opened.overflowing() == []
    assert opened.pale_texts() == []
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert opened.complaints == []
    opened.page.context.close()


def test_what_would_be_wrong_is_noticed(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "wrong.html"
    page.write_text(
        "<body style='background:#fff'><p style='color:#999'>pale</p><p>dark</p>"
        "<div style='width:500px'>wide</div><img src='http://127.0.0.1:1/x.png'>"
        "<svg viewBox='0 0 50 20'><rect width='50' height='20' fill='#333'/>"
        "<text y='15' font-size='9' fill='#000'>on grey, and too long</text></svg>"
        "<script>console.error('said')</script>"
    )
    opened = Opened(browser, width=360)
    opened.go(page)
    assert [t["words"] for t in opened.pale_texts()] == ["pale", "on grey, and too long"]
    wide = opened.overflowing()
    assert "the page scrolls sideways" in wide and "svg text: on grey, and too long" in wide
    assert "error: said" in opened.complaints
    assert "http://127.0.0.1:1/x.png" in opened.complaints
    opened.page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_keyboard_reaches_everything_in_the_order_of_the_page(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    opened = Opened(browser, width=width)
    opened.go(pages["third week"])
    reached = []
    while True:
        opened.page.keyboard.press("Tab")
        focus = opened.focus()
        if focus["tag"] == "BODY":
            break
        assert focus["seen"], focus
        reached.append(focus["words"])
    assert reached == [
        "Skip to the report", "Tables", "Steps", "Next", "Use", "Locks and waits", "Values",
        "Checks", "Merges", "History", "Steps that began and ended",
    ]  # fmt: skip
    opened.page.focus("summary")
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.querySelector('details').open")
    opened.page.context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_on_paper_everything_is_there_in_black_on_white(
    browser: Browser, pages: dict[str, Path], scheme: Scheme
) -> None:
    opened = Opened(browser, width=794, scheme=scheme)
    opened.go(pages["third week"])
    opened.page.emulate_media(media="print", color_scheme=scheme)
    colours = opened.page.evaluate(
        "[document.documentElement, document.body].map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours == ["rgb(255, 255, 255)"] * 2
    assert opened.pale_texts() == []
    assert opened.overflowing() == []
    assert not opened.page.locator("nav").is_visible()
    # What is folded on a screen cannot be opened on paper.
    assert opened.page.locator("details td").last.is_visible()
    assert opened.page.pdf(format="A4").startswith(b"%PDF")
    opened.page.context.close()


def test_the_pictures_of_the_guide_can_be_taken_again(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """Their time and database are those of the day; the size tells that they are the same part."""
    pictures.take(browser, pages["third week"], tmp_path)
    guide = document("docs/guides/report.md")
    for name, (width, height, _) in pictures.TAKEN.items():
        assert f"../pictures/{name}" in guide
        for folder in (tmp_path, pictures.FOLDER):
            header = (folder / name).read_bytes()[:24]
            assert header[:8] == b"\x89PNG\r\n\x1a\n"
            assert struct.unpack(">II", header[16:24]) == (width, height)

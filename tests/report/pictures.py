"""The pictures of docs/guides/report.md: `python -m tests.report.pictures` takes them again.

The page is of 20,000 generated rows at 0008, with three weeks of evidence.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psycopg
from playwright.sync_api import Browser

from membership_refactor.database import create_database, libpq_url, server_for_tests
from membership_refactor.demo.data import load
from membership_refactor.report.page import as_html
from tests.chain.driver import ROOT, Chain
from tests.chain.subjects import MEMBERSHIP
from tests.cli.in_process import in_process
from tests.fixtures.server import SETTINGS
from tests.report.browser import Opened, Scheme, program, running
from tests.report.three_weeks import CONSUMERS, fill, report

FOLDER = ROOT / "docs" / "pictures"
TAKEN: dict[str, tuple[int, int, Scheme]] = {
    "report-wide.png": (1100, 1500, "light"),
    "report-phone.png": (360, 1500, "dark"),
}
"""Width and height in pixels."""


def take(browser: Browser, page: Path, folder: Path) -> None:
    """Write every picture of the page into the folder."""
    for name, (width, height, scheme) in TAKEN.items():
        opened = Opened(browser, width=width, scheme=scheme)
        opened.go(page)
        clip = {"x": 0, "y": 0, "width": width, "height": height}
        opened.page.screenshot(path=folder / name, full_page=True, clip=clip)  # type: ignore[arg-type]
        opened.page.context.close()


def main() -> int:
    found = program()
    if found is None:
        print("there is no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        server_for_tests(settings=SETTINGS) as server,
        running(found) as browser,
    ):
        url = create_database(server.url, "training")
        in_process(url, "upgrade", "0002")
        with psycopg.connect(libpq_url(url)) as connection:
            load(connection, rows=20_000)
            for role in (role for consumer in CONSUMERS for role in consumer.roles):
                connection.execute(f"CREATE ROLE {role}".encode())
        in_process(url, "upgrade", "0008", x=("accept-usage=no application is live",))
        chain = Chain(url, MEMBERSHIP)
        fill(chain, "no application is live")
        page = Path(folder) / "page.html"
        page.write_text(as_html(report(chain, CONSUMERS)), encoding="utf-8")
        take(browser, page, FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())

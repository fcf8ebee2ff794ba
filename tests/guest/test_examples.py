"""The example projects run as their README says, block by block, with rows and writers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.database import libpq_url
from tests.cli.processes import ROOT, environment, query, value
from tests.fixtures.databases import NewDatabase

EXAMPLES = ROOT / "examples"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_HERE = ("pip install", "createdb")
SHOP = """
import asyncio, sys
import httpx
from shop.main import app
from shop.database import engine

async def main():
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        for product in sys.argv[2:]:
            path = f"/orders/{sys.argv[1]}/lines"
            done = await client.post(path, params={"customer": "Ada", "product": product})
            assert done.status_code == 201, done.text
        print(*(await client.get(f"/orders/{sys.argv[1]}/products")).json(), sep=",")
    await engine.dispose()

asyncio.run(main())
"""


class Reader:
    """Somebody who copies an example and its commands."""

    def __init__(self, example: str, folder: Path, url: str, driver: str) -> None:
        self.folder, self.url = folder / example, url
        shutil.copytree(EXAMPLES / example, self.folder)
        # Git keeps no empty folder, and a reader who clones has none either.
        made = make_url(url).set(drivername=f"postgresql+{driver}")
        self.async_url = made.render_as_string(hide_password=False)
        ini = self.folder / "alembic.ini"
        text = ini.read_text()
        line = f"sqlalchemy.url = {self.async_url}".replace("%", "%%")
        ini.write_text(re.sub(r"^sqlalchemy\.url = .*$", lambda _: line, text, flags=re.M))
        blocks = BLOCK.findall((self.folder / "README.md").read_text())
        self.blocks = iter(b for b in blocks if not b.startswith("createdb") or "\n" in b.strip())

    def shell(self, commands: str, **env: str) -> str:
        lines = [c for c in commands.splitlines() if not c.startswith(NOT_HERE)]
        bin = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-euc", "\n".join(lines)],
            cwd=self.folder,
            env=environment(PATH=f"{bin}:/usr/bin:/bin", **env),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def follow(self) -> str:
        """Run the next block of the README."""
        return self.shell(next(self.blocks))


def test_the_async_shop_is_split_in_place_while_both_codes_write(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    reader = Reader("async_shop", tmp_path, new_database(), "asyncpg")

    def shop(code: str, order: str, *products: str) -> str:
        script = tmp_path / "client.py"
        script.write_text(SHOP)
        env = {"SHOP_URL": reader.async_url, "SHOP_CODE": code, "PYTHONPATH": str(reader.folder)}
        listed = " ".join(products)
        return reader.shell(f"python {script} {order} {listed}", **env).strip()

    reader.follow()  # install, make the table
    assert shop("before", "A-1", "tea", "cake") == "tea,cake"
    with psycopg.connect(libpq_url(reader.url)) as connection:
        connection.execute(
            "INSERT INTO order_line (order_no, customer, ordered_on, product, quantity, price) "
            "SELECT 'O-' || n / 3, 'c' || n / 3 % 40, date '2026-01-01' + n / 3 % 200, 'p' || n, 1,"
            " n % 90 FROM generate_series(3, 602) AS n"
        )
    rows = "SELECT to_jsonb(t) FROM order_line AS t ORDER BY id"
    before = query(reader.url, rows)
    reader.follow()  # new, plan
    reader.follow()  # up to link_children
    assert shop("before", "A-1", "milk") == "tea,cake,milk"
    assert shop("after", "A-1", "jam") == "tea,cake,milk,jam"
    assert shop("after", "B-2", "bread") == "bread"
    assert shop("before", "B-2", "butter") == "bread,butter"
    reader.follow()  # to the end
    assert shop("after", "B-2", "salt") == "bread,butter,salt"
    assert value(reader.url, "SELECT count(*) FROM purchase WHERE order_no = 'B-2'") == 1
    reader.follow()  # back
    assert query(reader.url, rows)[: len(before)] == before
    assert shop("before", "B-2") == "bread,butter,salt"


def test_the_clinic_runs_two_plans_in_three_schemas(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    reader = Reader("two_schemas", tmp_path, new_database(), "psycopg")
    reader.follow()
    with psycopg.connect(libpq_url(reader.url)) as connection:
        for site, rows in (("north", 300), ("south", 200)):
            connection.execute(
                f"INSERT INTO {site}.visit (patient, day, ward, kind, reading) SELECT n % 40, "
                "date '2026-01-01' + n % 40, 'w' || n % 40, 'k' || n % 7, n / 10.0 "
                f"FROM generate_series(1, {rows}) AS n".encode()
            )
        connection.execute(
            "INSERT INTO booking (email, name, room, night) SELECT 'g' || n % 30 || '@x', "
            "'Guest ' || n % 30, n, date '2026-01-01' + n FROM generate_series(1, 150) AS n"
        )

    def everything() -> list[list[tuple[Any, ...]]]:
        return [
            query(reader.url, f"SELECT to_jsonb(t) FROM {table} AS t ORDER BY id")
            for table in ("north.visit", "south.visit", "booking")
        ]

    before = everything()
    planned = reader.follow()
    assert "REFUSED" not in planned, planned
    reader.follow()  # to where both codes write
    reader.follow()  # to the end
    counts = {
        table: value(reader.url, f"SELECT count(*) FROM {table}")
        for table in ("north.stay", "south.stay", "guest")
    }
    assert counts == {"north.stay": 40, "south.stay": 40, "guest": 30}
    assert value(reader.url, "SELECT to_regclass('north.visit')") is None
    reader.follow()  # back
    assert everything() == before


@pytest.mark.parametrize("example", ["async_shop", "two_schemas"])
def test_an_example_keeps_the_env_py_that_alembic_wrote(example: str) -> None:
    text = (EXAMPLES / example / "migrations" / "env.py").read_text()
    assert "membership_refactor" not in text and "refactoring" not in text

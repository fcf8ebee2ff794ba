"""The scripts that a project stores are compared with what Alembic prints today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.databases import NewDatabase
from tests.testing.test_refactor_option import guest, ran, steps

STORED = ("--refactor", "-k", "stored")


@pytest.mark.slow
def test_scripts_are_stored_and_compared(tmp_path: Path, new_database: NewDatabase) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table", "dual_write"))
    (tmp_path / "pytest.ini").write_text("[pytest]\nrefactor_scripts = scripts\n")
    missing = ran(project, *STORED)
    assert missing.returncode == 1 and "2 failed" in missing.stdout, missing.stdout
    assert "Store the scripts: pytest --refactor --refactor-store" in missing.stdout

    stored = ran(project, *STORED, "--refactor-store")
    assert stored.returncode == 0, stored.stdout + stored.stderr
    folder = tmp_path / "scripts" / "orders"
    names = sorted(file.name for file in folder.iterdir())
    assert names == [
        *("01_r2_copy_table_down.sql", "01_r2_copy_table_up.sql"),
        *("02_r3_dual_write_down.sql", "02_r3_dual_write_up.sql", "portrait.json"),
    ]
    up = folder / "02_r3_dual_write_up.sql"
    text = up.read_text()
    assert "-- r3_dual_write dual_write up" in text and "UPDATE alembic_version" in text
    same = ran(project, *STORED)
    assert same.returncode == 0 and "2 passed" in same.stdout, same.stdout + same.stderr

    up.write_text(text.replace("lock_timeout", "no_timeout", 1))
    (folder / "00_old_up.sql").write_text("SELECT 1;\n")
    differs = ran(project, *STORED)
    assert differs.returncode == 1 and "2 failed" in differs.stdout, differs.stdout
    assert f"{up} is not the script that is printed today" in differs.stdout
    assert "no_timeout" in differs.stdout and "--- stored" in differs.stdout
    assert "These stored scripts are of no revision; remove them" in differs.stdout
    assert "00_old_up.sql" in differs.stdout

    (tmp_path / "pytest.ini").unlink()
    without = ran(project, "--refactor", "--refactor-store")
    assert without.returncode == 4 and "refactor_scripts = scripts" in without.stderr

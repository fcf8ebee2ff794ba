"""The fixture `rehearsal`, in a project of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from tests.fixtures.databases import TemplateDatabase
from tests.rehearsal.orders import orders

PROJECT = """
from membership_refactor.testing.plugin import Rehearse
from tests.rehearsal.orders import PLAN

def test_fine(rehearsal: Rehearse) -> None:
    assert rehearsal(PLAN, rows=50, to="copy_table").rows >= 30

def test_found(rehearsal: Rehearse) -> None:
    rehearsal(PLAN, rows=50, schema="public", to="dual_write")
"""
ROOT = Path(__file__).parents[2]


def test_a_finding_fails_the_test_with_the_report(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    chain = orders(
        template_database,
        "REVOKE ALL ON SEQUENCE public.order_line_id_seq FROM mr_rehearsal_clerk",
    )
    (tmp_path / "test_project.py").write_text(PROJECT)
    plugin = ["-p", "membership_refactor.testing.plugin"]
    if any(e.name == "membership_refactor" for e in entry_points(group="pytest11")):
        plugin = []
    place = ["--rehearsal-url", chain.url, "-c", "/dev/null", "--rootdir", str(tmp_path), "."]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *place],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in ended.stdout, ended.stdout + ended.stderr
    assert "permission denied for sequence order_line_id_seq" in ended.stdout

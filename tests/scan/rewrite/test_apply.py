"""--apply changes the bytes at the places that were read, and takes back what came out worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from membership_refactor.consumers import DEFAULT
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.rewrite.edits import apply_to_files, unified
from membership_refactor.scan.run import Request, scan, scan_again

SQL = "SELECT cm.rotation FROM curriculum_membership cm WHERE cm.id = 7"


def _request(folder: Path) -> Request:
    return Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(DEFAULT,), paths=(folder,), rewrite=True
    )


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.py", f'x = 1\n\f\ndef f():\n    q = "{SQL}"\n', "utf-8"),
        ("b.py", f'# \u2028 and \x85\nq = "{SQL}"\n', "utf-8"),
        ("c.sql", f"-- caf\u00e9\r\n{SQL};\r\n", "utf-8-sig"),
        ("d.sql", f"-- caf\u00e9\n{SQL};\n", "cp1252"),
        ("e.sql", f"-- a\n\t{SQL};\n", "utf-16"),
        ("f.go", f"package a\nvar q = `\n\t{SQL}`\n", "utf-8"),
        ("g.yml", f"q: |\n  {SQL}\n", "utf-8"),
        ("h.xml", f"<a><!-- \U0001f600 --><sql>{SQL}</sql></a>", "utf-8"),
        ("i.ts", f"const s = '\U0001f600'; const q = `{SQL}`;\n", "utf-8"),
    ],
)
def test_only_the_names_change_whatever_stands_around_them(
    name: str, text: str, encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    request = _request(tmp_path)
    outcome = scan(request)
    assert list(unified(outcome.files))
    applied = apply_to_files(outcome.files, scan_again(request))
    assert applied == [(str(path), "")]
    new = path.read_bytes().decode(encoding)
    assert "cm_pm.rotation" in new and "cm.rotation" not in new
    before, after = text.split(SQL)
    assert new.startswith(before) and new.endswith(after)
    assert not [r for file in scan(request).files for r in file.references]


def test_a_file_that_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_text(f"{SQL};\n")
    request = _request(tmp_path)
    outcome = scan(request)
    path.write_text(f"-- new\n{SQL};\n")
    applied = apply_to_files(outcome.files, scan_again(request))
    assert [name for name, why in applied if "scan again" in why] == [str(path)]
    assert path.read_text() == f"-- new\n{SQL};\n"


def test_what_is_not_understood_afterwards_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_text(f"{SQL};\n")
    request = _request(tmp_path)
    outcome = scan(request)

    def worse(found: FileOutcome) -> FileOutcome:
        return FileOutcome.unread(found.path, found.consumer, "not read")

    applied = apply_to_files(outcome.files, worse)
    assert len(applied) == 1 and applied[0][1]
    assert path.read_text() == f"{SQL};\n"


def test_a_constant_in_two_statements_is_changed_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        'F = "FROM curriculum_membership cm "\nq = "SELECT cm.rotation " + F\n'
        'r = "SELECT cm.person_id " + F + "WHERE cm.id = 7"\n'
    )
    request = _request(tmp_path)
    applied = apply_to_files(scan(request).files, scan_again(request))
    text = path.read_text()
    written = [name for name, why in applied if not why]
    assert text.count("JOIN programme_membership") == len(written)
    if written:
        assert "cm_pm.rotation" in text and "cm_pm.person_id" in text

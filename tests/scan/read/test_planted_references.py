"""Over 500 planted references: each is found at its place, or its file is open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from membership_refactor.consumers import DEFAULT
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.run import Request, scan

WIDE = "curriculum_membership"
STATEMENTS = (
    f"SELECT person_id FROM {WIDE}",
    f"SELECT cm.rotation FROM {WIDE} cm WHERE cm.id = 3",
    f"SELECT * FROM {WIDE}",
    f"UPDATE {WIDE} SET leaving_reason = NULL WHERE id = 4",
    f"DELETE FROM {WIDE} WHERE programme_id = 5",
    f"INSERT INTO {WIDE} (id, rotation_id) VALUES (6, 7)",
    f"SELECT p.id FROM person p LEFT JOIN {WIDE} cm ON cm.person_id = p.id",
    f"WITH w AS (SELECT * FROM {WIDE}) SELECT id FROM w",
    f"SELECT id FROM person WHERE id IN (SELECT person_id FROM {WIDE})",
    f"SELECT count(DISTINCT cm.person_id) FROM public.{WIDE} AS cm",
    f"SELECT id FROM {WIDE} ORDER BY programme_end_date",
    f"MERGE INTO {WIDE} w USING x ON x.id = w.id WHEN MATCHED THEN UPDATE SET rotation = x.r",
    f"SELECT cm FROM {WIDE} cm",
)


def _joined(before: str, quote: str, plus: str, after: str) -> Callable[[str], str]:
    """The statement cut in two at its middle word."""

    def make(sql: str) -> str:
        words = sql.split(" ")
        half = len(words) // 2
        first, second = " ".join(words[:half]) + " ", " ".join(words[half:])
        return f"{before}{quote}{first}{quote}{plus}{quote}{second}{quote}{after}"

    return make


def _around(before: str, after: str) -> Callable[[str], str]:
    return lambda sql: f"{before}{sql}{after}"


KINDS: dict[str, Callable[[str], str]] = {
    "sql": _around("-- a comment\n", ";\n"),
    "ddl": _around("CREATE TABLE other (a int);\n", ";"),
    "psql": _around("\\set x 1\n", ";\n"),
    "sql.j2": _around("{# note #}\n", ";\n"),
    "erb": _around("<%# note %>\n", ";\n"),
    "java": _joined("class A { String q = ", '"', "\n + ", "; }"),
    "kt": _around('val q = """\n   ', '\n""".trimIndent()'),
    "scala": _around('object A { val q = """', '""" }'),
    "groovy": _around("def q = '''", "'''"),
    "py": _joined("def f(db):\n    q = (", '"', "\n         ", ")\n    db.run(q)\n"),
    "pyw": _around("q = f'''\n  ", "'''\n"),
    "go": _around("package a\nfunc f() {\n\tq := `", "`\n}"),
    "rb": _around("q = <<~SQL\n  ", "\nSQL\n"),
    "rake": _joined("q = ", "'", " +\n ", "\n"),
    "cs": _joined("class A { void F() { var q = ", '"', " + ", "; } }"),
    "ts": _around("const q: string = `", "`;"),
    "tsx": _joined("const q = ", '"', " + ", ";"),
    "js": _joined("const q = [", '"', ", ", '].join(" ");'),
    "jsx": _around("const a = <b/>; const q = '", "';"),
    "php": _joined("<?php\n$q = ", '"', "\n  . ", ";"),
    "rs": _around('fn f() { let q = r#"', '"#; }'),
    "pl": _joined("my $q = ", '"', " . ", ";"),
    "sh": _around('psql -c "', '"\n'),
    "bash": _around("psql <<SQL\n", ";\nSQL\n"),
    "R": _joined("q <- paste0(", '"', ", ", ")"),
    "c": _joined("const char *q = ", '"', "\n", ";"),
    "cpp": _around('auto q = R"(', ')";'),
    "ex": _joined("q = ", '"', " <> ", "\n"),
    "lua": _joined("local q = ", '"', " .. ", "\n"),
    "swift": _joined("let q = ", '"', " + ", "\n"),
    "dart": _joined("var q = ", "'", " ", ";"),
    "ps1": _around('$q = "', '"'),
    "jl": _around('q = """', '"""'),
    "cls": _joined("class A { String q = ", "'", " + ", "; }"),
    "clj": _around('(def q "', '")'),
    "xml": _around("<m><select id='a'><![CDATA[", "]]></select></m>"),
    "ktr": _around("<t><sql>", "</sql></t>"),
    "yml": _around("a:\n  q: |\n    ", "\n"),
    "json": lambda sql: json.dumps({"a": [{"q": sql}]}),
    "toml": _around('q = """\n', '"""\n'),
    "properties": _around("a.q=", "\n"),
    "ipynb": lambda sql: json.dumps(
        {"cells": [{"cell_type": "code", "source": [f'q = "{sql}"\n']}], "metadata": {}}
    ),
    "md": _around("```sql\n", "\n```\n"),
    "vb": _around('Dim q = "', '"'),
    "lkml": _around("derived_table: { sql: ", " ;; }"),
    "html": _around("<pre>", "</pre>"),
    "csv": _around('a,"', '"\n'),
    "txt": _around("", "\n"),
    "": _around("", "\n"),
}
UNREAD = {"md", "vb", "lkml", "html", "csv", "txt", ""}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "crlf", "cp1252")
COMMENTS = {
    **dict.fromkeys(("py", "pyw", "rb", "rake", "sh", "bash", "R", "ex", "jl", "toml", "yml"), "#"),
    **dict.fromkeys(("sql", "ddl", "psql", "lua"), "--"),
    **dict.fromkeys(("java", "kt", "scala", "go", "cs", "ts", "tsx", "js", "rs", "c", "cpp"), "//"),
}


def _encoded(text: str, encoding: str, kind: str) -> bytes:
    if encoding == "crlf":
        return text.replace("\n", "\r\n").encode()
    if encoding == "cp1252" and kind in COMMENTS:
        return f"{COMMENTS[kind]} caf\u00e9\n{text}".encode("cp1252")
    return text.encode("utf-8" if encoding == "cp1252" else encoding)


@pytest.mark.parametrize("kind", KINDS)
def test_each_planted_reference_is_found_or_its_file_is_open(kind: str, tmp_path: Path) -> None:
    (tmp_path / "clean.sql").write_text(f"SELECT id FROM {WIDE};\n")
    planted: dict[str, str] = {}
    for number, sql in enumerate(STATEMENTS):
        encoding = ENCODINGS[(number + len(kind)) % len(ENCODINGS)]
        path = tmp_path / (f"f{number}.{kind}" if kind else f"f{number}")
        path.write_bytes(_encoded(KINDS[kind](sql), encoding, kind))
        planted[path.as_posix()] = sql
    request = Request(plan=SPLIT, stage=Stage.INTERIM, consumers=(DEFAULT,), paths=(tmp_path,))
    outcome = scan(request)
    (consumer,) = outcome.consumers
    assert consumer.files == len(planted) + 1
    files = {file.path: file for file in outcome.files}
    missed = [
        f"{path}: {sql}"
        for path, sql in planted.items()
        if path not in files
        or not (files[path].references or any(note.open for note in files[path].notes))
    ]
    assert not missed
    if kind != "erb":  # its directives are no SQL, so that some statements are open
        found = sum(bool(files[path].references) for path in planted)
        assert found == (0 if kind in UNREAD else len(planted))


def test_there_are_five_hundred_of_them_over_forty_kinds() -> None:
    assert len(KINDS) >= 40
    assert len(KINDS) * len(STATEMENTS) >= 500

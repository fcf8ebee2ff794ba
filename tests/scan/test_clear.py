"""A consumer is clear only if every file was read and every statement understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from membership_refactor.consumers import Consumer, Look, read_consumers
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from membership_refactor.scan.report.documents import as_json, as_text
from membership_refactor.scan.report.summary import ScanOutcome
from membership_refactor.scan.run import Request, scan
from tests.fixtures.databases import NewDatabase
from tests.scan.scan_text import CAMEL, columns, scan_text
from tests.scan.tables import create_tables

OLD = "SELECT person_id FROM curriculum_membership;\n"


def _scan(folder: Path, consumer: Consumer | None = None) -> ScanOutcome:
    (folder / "harmless.sql").write_text("SELECT id FROM curriculum_membership;\n")
    consumers = (consumer or Consumer(name="one"),)
    request = Request(plan=SPLIT, stage=Stage.INTERIM, consumers=consumers, paths=(folder,))
    return scan(request)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (f"query.{suffix}", OLD.encode())
            for suffix in (
                "go",
                "rb",
                "xml",
                "ts",
                "js",
                "php",
                "vb",
                "json",
                "ipynb",
                "cs",
                "sh",
                "md",
            )
        ),
        ("query", OLD.encode()),
        ("query.lkml", OLD.encode()),
        ("no_mark.sql", OLD.encode("utf-16-le") + b"\x01"),
        ("no_mark_be.sql", OLD.encode("utf-16-be") + b"\x01\x00\x01"),
        ("ebcdic.sql", OLD.upper().encode("cp037")),
        ("latin.sql", b"-- caf\xe9\nSELECT id FROM curriculum_membership;\n"),
        ("data.bin", b"\0\1\2\3"),
        ("Repository.class", b"\xca\xfe\xba\xbe\0\3" + OLD.encode()),
        *(
            (f"archive.{suffix}", b"PK")
            for suffix in ("zip", "gz", "tgz", "bz2", "xz", "xlsx", "pbix", "twbx", "nupkg", "jar")
        ),
        ("hole.sql.j2", b"SELECT {{ cols }} FROM curriculum_membership;\n"),
        ("hole.py", b'q = "SELECT " + cols + " FROM curriculum_membership"\n'),
        ("format.py", b'q = "SELECT x.{} FROM curriculum_membership x".format(c)\n'),
        ("Query.java", b'class A { String q = "SELECT " + c + " FROM curriculum_membership"; }\n'),
    ],
)
def test_what_was_not_read_or_not_understood_leaves_the_consumer_open(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = _scan(tmp_path)
    (consumer,) = outcome.consumers
    (found,) = [file for file in outcome.files if Path(file.path).name == name]
    assert [note for note in found.notes if note.open]
    assert not consumer.clear
    assert consumer.open >= 1 and "open question" in consumer.why
    assert f"{name}:1:" in as_text(outcome) and "open (" in as_text(outcome)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other.xml", b"<q>select 1</q>"),
        ("picture.png", b"\x89PNG\0\0"),
        ("Other.class", b"\xca\xfe\xba\xbe\0\3 nothing"),
        ("other.txt", "na\u00efve caf\u00e9".encode()),
        ("latin.txt", b"-- caf\xe9, and no table of the plan\n"),
        ("utf16.sql", "SELECT id FROM curriculum_membership;\n".encode("utf-16")),
        ("value.sql", b"SELECT id FROM curriculum_membership WHERE id = :id AND x = '${x}';\n"),
    ],
)
def test_what_was_read_and_holds_nothing_leaves_the_consumer_clear(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (consumer,) = _scan(tmp_path).consumers
    assert consumer.clear, consumer.why


def test_utf16_without_a_mark_is_read_and_open(tmp_path: Path) -> None:
    (tmp_path / "wide.sql").write_bytes(OLD.encode("utf-16-le"))
    outcome = _scan(tmp_path)
    (found,) = [file for file in outcome.files if Path(file.path).name == "wide.sql"]
    assert columns(found) == ["person_id"]
    assert [(note.look, note.open) for note in found.notes] == [(Look.ENCODING, True)]


def test_links_that_lead_out_or_nowhere_are_open(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "own", outside):
        folder.mkdir(parents=True)
    (outside / "a.sql").write_text(OLD)
    (root / "inside").symlink_to(root / "own")
    (consumer,) = _scan(root).consumers
    assert consumer.clear, consumer.why  # what the link leads to is read under its own name
    (root / "away").symlink_to(outside)
    (root / "gone.sql").symlink_to(root / "nowhere.sql")
    outcome = _scan(root)
    notes = {Path(f.path).name: n.message for f in outcome.files for n in f.notes if n.open}
    assert set(notes) == {"away", "gone.sql"}
    assert str(outside) in notes["away"] and "does not exist" in notes["gone.sql"]
    assert not outcome.consumers[0].clear


def test_installed_packages_are_listed_and_read_if_they_are_given(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "rows"
    package.mkdir(parents=True)
    (package / "rows.js").write_text(f'q = "{OLD.strip()}"')
    outcome = _scan(tmp_path)
    assert outcome.consumers[0].clear
    assert "node_modules:1:1: look at this (not read): installed packages" in as_text(outcome)
    assert not _scan(tmp_path / "node_modules").consumers[0].clear
    excluded = Consumer(name="one", exclude={"*/node_modules": "built"})
    assert not any(file.notes for file in _scan(tmp_path, excluded).files)


def test_an_excluded_file_is_no_open_question(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(OLD)
    (tmp_path / "old.zip").write_bytes(b"PK")
    consumer = Consumer(name="one", exclude={"*.md": "documents", "*/old.zip": "an old copy"})
    assert _scan(tmp_path, consumer).consumers[0].clear


def test_an_open_question_is_closed_with_a_reason_that_stays(tmp_path: Path) -> None:
    (tmp_path / "report.py").write_text('q = "SELECT " + c + " FROM curriculum_membership"\n')
    path = tmp_path / "consumers.toml"
    path.write_text(
        '[[consumer]]\nname = "one"\npaths = ["."]\nexclude = {"*.toml" = "settings"}\n'
        'closed = [{ path = "report.py", what = "hole", reason = "c is id or status" }]\n'
    )
    (consumer,) = read_consumers(path, SPLIT)
    request = Request(plan=SPLIT, stage=Stage.INTERIM, consumers=(consumer,))
    outcome = scan(request)
    assert outcome.consumers[0].clear, outcome.consumers[0].why
    shown = as_text(outcome)
    assert "closed: c is id or status" in shown
    assert "not read for one: *.toml: settings" in shown
    assert json.loads(as_json(outcome))["consumers"][0]["excluded"] == ["*.toml: settings"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('exclude = ["*.md"]', "exclude has no reasons"),
        ('exclude = { "*.md" = " " }', r'exclude "\*.md" has no reason'),
        ('closed = [{ path = "a.py", what = "hole" }]', "needs path, what and reason"),
        ('closed = [{ path = "a.py", what = "x", reason = "y" }]', '"x" is none of'),
    ],
)
def test_what_is_left_out_needs_a_reason(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f'[[consumer]]\nname = "x"\n{line}\n')
    with pytest.raises(WrongUse, match=message):
        read_consumers(path, SPLIT)


def test_json_says_which_notes_are_open(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(OLD)
    document = json.loads(as_json(_scan(tmp_path)))
    (note,) = [note for file in document["files"] for note in file["notes"]]
    assert note["open"] and note["look"] == "not read"


@pytest.mark.parametrize(
    "text",
    [
        "/*!50001 CREATE VIEW v AS SELECT cm.rotation AS p FROM CurriculumMembership cm */;",
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 SQL SECURITY DEFINER */\n"
        "/*!50001 VIEW v AS select rotation from CurriculumMembership */;",
    ],
)
def test_comments_that_mysql_executes_are_read(text: str, tmp_path: Path) -> None:
    outcome = scan_text(text, tmp_path, consumer=CAMEL)
    assert columns(outcome) == ["rotation"]
    place = outcome.references[0].place
    assert text.splitlines()[place.line - 1][place.column - 1 :].startswith("rotation")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\copy curriculum_membership (id, rotation) to 'x.csv' csv\n", "rotation"),
        (
            "\\copy (select leaving_reason from curriculum_membership) to 'y.csv'\n",
            "leaving_reason",
        ),
        ("\\echo x\n\\copy (select rotation from curriculum_membership) to stdout", "rotation"),
    ],
)
def test_copy_of_psql_is_read(text: str, expected: str, tmp_path: Path) -> None:
    assert columns(scan_text(text, tmp_path)) == [expected]


@pytest.mark.parametrize(
    "before", ["\f\n", "# \u2028 and \x85 in a comment\n", 's = "\x1c"\n', "x = 1\r\n", "\n"]
)
def test_python_is_read_at_its_places_whatever_ends_a_line(before: str, tmp_path: Path) -> None:
    text = f'{before}q = "SELECT cm.rotation FROM curriculum_membership cm"\n'
    outcome = scan_text(text, tmp_path, name="a.py")
    (reference,) = outcome.references
    assert text[reference.place.offset :].startswith("rotation")


def test_indentation_before_a_statement_takes_no_time(tmp_path: Path) -> None:
    blanks = " \n" * 30_000
    assert columns(scan_text(f'q = """{blanks}{OLD}"""\n', tmp_path, name="a.py")) == ["person_id"]
    assert columns(scan_text(blanks + OLD, tmp_path)) == ["person_id"]


def test_a_macro_that_is_declared_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[[consumer]]\nname = "x"\nmacros = { "M(a, b)" = "a.b", "m" = "" }\n')
    with pytest.raises(WrongUse, match=r'macro "m" is declared twice'):
        read_consumers(path, SPLIT)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT p.id FROM person p LEFT JOIN curriculum_membership cm ON cm.person_id = p.id "
        "WHERE cm.person_id IS NULL",
        "SELECT p.id FROM person p WHERE p.id NOT IN "
        "(SELECT person_id FROM curriculum_membership WHERE person_id IS NOT NULL)",
    ],
)
def test_an_anti_join_is_compared(text: str, tmp_path: Path, new_database: NewDatabase) -> None:
    (rewritten,) = scan_text(text, tmp_path, rewrite=True).rewrites
    assert rewritten.new is not None, rewritten.reason
    engine = create_engine(new_database())
    with engine.connect() as connection:
        create_tables(connection)
        compared = Comparer(connection, SPLIT, random_sets=2).compare(text, rewritten.new)
    engine.dispose()
    assert compared.verdict in (Verdict.EQUAL, Verdict.NOT_COMPARED), (
        f"{compared.why} {compared.example}"
    )
    assert compared.runs > 1


def test_a_statement_that_fails_does_not_end_the_run(new_database: NewDatabase) -> None:
    engine = create_engine(new_database())
    with engine.connect() as connection:
        create_tables(connection)
        comparer = Comparer(connection, SPLIT, random_sets=1)
        for text in ("SELECT no_function(rotation) FROM curriculum_membership", "SELECT )", ""):
            compared = comparer.compare(text, text)
            assert compared.verdict is Verdict.NOT_COMPARED
            assert compared.why and "\n" not in compared.why
        old = "SELECT id, rotation FROM curriculum_membership"
        new = (
            "SELECT cm.id, pm.rotation FROM curriculum_membership cm JOIN programme_membership pm "
            "ON pm.uuid = cm.programme_membership_uuid"
        )
        assert comparer.compare(old, new).verdict is Verdict.EQUAL
    engine.dispose()


ESCAPED = "SELECT rotation FROM curriculum\\u005fmembership"
READ = "SELECT rotation FROM curriculum_membership"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((f"escape.{suffix}", f'q = "{ESCAPED}"') for suffix in ("py", "js", "rb", "go", "jl")),
        ("escape.json", f'{{"q": "{ESCAPED}"}}'),
        ("escape.yml", f'q: "{ESCAPED}"'),
        ("escape.java", f'class A {{ String q = "{ESCAPED}"; }}'),
        ("name.py", f'q = "{READ.replace("_", "{}")}"'.replace("{}", "\\N{LOW LINE}")),
        ("empty.py", "q = 'SELECT rotation FROM ' + ''.join(['curriculum', '_membership'])"),
        ("score.py", "q = 'SELECT rotation FROM ' + '_'.join(('curriculum', 'membership'))"),
        ("score.js", "q = 'SELECT rotation FROM ' + ['curriculum', 'membership'].join('_')"),
        ("line.py", "q = '\\n'.join(['SELECT rotation', 'FROM curriculum_membership'])"),
        ("Concat.cs", 'var q = string.Concat("SELECT rotation FROM curric", "ulum_membership");'),
        ("return.sql", f"-- a comment\r{READ}\r;"),
        ("two.sql", "SELECT 1; -- x\rSELECT rotation -- y\rFROM curriculum_membership;"),
        ("variable.sql", "\\set t curriculum_membership\nSELECT x.rotation FROM :t x;"),
        ("quoted.sql", 'SELECT rotation FROM :"t";'),
        ("update.sql", "UPDATE :t SET rotation = NULL;"),
        ("schema.sql", "SELECT app.f(cm.rotation) FROM curriculum_membership cm;"),
        ("nested.sql", "SELECT 1 FROM curriculum_membership WHERE a.b(1, a.c(rotation)) = 'x';"),
        (
            "order.sql",
            "DELETE FROM curriculum_membership cm WHERE a.f(lower(cm.rotation)) IS NULL;",
        ),
        ("inherits.sql", "CREATE TABLE y (a int) INHERITS (x, curriculum_membership);"),
        ("partition.sql", "CREATE TABLE y PARTITION OF curriculum_membership DEFAULT;"),
    ],
)
def test_a_column_is_found_however_its_table_is_written(
    name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert {c for reference in outcome.references for c in reference.columns} >= {"rotation"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ star_of('curriculum_membership') }}",
        "{% for c in columns('curriculum_membership') %}{{ c }}{% endfor %}",
        '\\o | psql -c "select * from curriculum_membership"\n',
        "\\! psql -c 'table curriculum_membership'\n",
    ],
)
def test_a_table_that_a_template_or_another_psql_reads_leaves_the_file_open(
    text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path)
    assert outcome.references or any(note.open for note in outcome.notes)
    named = "SELECT id FROM {{ ref('curriculum_membership') }}; -- table curriculum_membership"
    assert not any(note.open for note in scan_text(named, tmp_path).notes)

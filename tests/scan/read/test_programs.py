"""Programs of many languages: SQL in their texts is found at its place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from membership_refactor.consumers import Look
from tests.scan.scan_text import columns, scan_text

WIDE = "curriculum_membership"

PROGRAMS = {
    "a.kt": 'val T = "WIDE"\nval q = "select person_id " + "from $T"\nval r = """\n'
    '  |select rotation\n  |from WIDE cm where cm.programme_id = $x\n""".trimMargin()',
    "a.scala": 'object A { val q = s"select person_id from WIDE where id = ${a}"\n'
    'val z = "select rotation " + "from WIDE" }',
    "b.groovy": "def r = '''select person_id, rotation\nfrom WIDE'''",
    "a.go": 'package a\nconst T = "WIDE"\nfunc f() { q := `select person_id\n from ` + T\n'
    ' q += " where rotation = 1"; s := fmt.Sprintf("select leaving_reason from %s", T)\n'
    ' b.WriteString("select 1") }',
    "a.rb": "T = 'WIDE'\nq = \"select person_id from #{T}\"\nr = <<~SQL\n  select rotation\n"
    "  from WIDE where id = #{x}\nSQL\nz = 'select leaving_reason'\nz << ' from WIDE'\n",
    "a.cs": 'class A { const string T = "WIDE"; void F() { var q = $"select person_id from {T}";\n'
    'var v = @"select rotation\nfrom WIDE"; var r = """\nselect leaving_reason from WIDE\n""";\n'
    'var s = "select programme_id"; s += " from WIDE";\n'
    'var sb = new StringBuilder("select rotation_id "); sb.Append("from WIDE"); } }',
    "a.ts": 'const T = "WIDE"; const q = `select person_id from ${T} where a = ${b}`;\n'
    'const r = sql`select rotation from WIDE`; const z = ["select leaving_reason", "from WIDE"]'
    '.join(" "); let s = "select programme_id "; s += "from WIDE";',
    "a.jsx": 'const q = "select person_id " +\n "from WIDE"; s = s + x;',
    "a.php": "<?php $t = 'WIDE'; $q = \"select person_id from $t\";\n"
    '$r = "select rotation from " . $t; $s = <<<SQL\nselect leaving_reason from WIDE\nSQL;\n'
    '$z = "select programme_id"; $z .= " from WIDE";\n'
    '$y = sprintf("select rotation_id from %s", $t);',
    "a.rs": 'const T: &str = "WIDE"; fn f() { let q = r#"select person_id from WIDE"#;\n'
    'let s = format!("select rotation from {} where x={y}", T);\n'
    'sqlx::query!("select leaving_reason from WIDE"); let z = concat!("select programme_id ",'
    ' "from WIDE"); let mut m = String::from("select rotation_id "); m.push_str("from WIDE"); }',
    "a.pl": 'my $t = "WIDE"; my $q = "select person_id from $t"; my $r = <<"SQL";\n'
    "select rotation from WIDE where x = $x\nSQL\nmy $s = q{select leaving_reason from WIDE};\n"
    'my $z = "select programme_id"; $z .= " from WIDE";',
    "a.sh": 'psql -c "select person_id from WIDE" <<SQL\nselect rotation from WIDE where x = $x;\n'
    "SQL\npsql <<'SQL'\nselect leaving_reason from WIDE;\nSQL\n",
    "a.R": 'q <- paste0("select person_id ", "from WIDE")\nr = "select rotation from WIDE"\n'
    'paste("select leaving_reason", "from WIDE"); sprintf("select programme_id from %s", "WIDE")',
    "a.c": 'const char *q = "select person_id " /* c */\n "from WIDE\\n";',
    "a.cpp": 'auto r = R"(select person_id\nfrom WIDE)";\nstd::string q = "select rotation ";'
    ' q += "from WIDE";',
    "a.ex": 'q = "select person_id " <> "from WIDE"\nr = """\nselect rotation from WIDE\n"""',
    "a.lua": 'local q = "select person_id " .. [[from WIDE]]',
    "a.swift": 'let q = "select person_id " + "from WIDE where id = \\(b)"\n'
    'let r = """\nselect rotation from WIDE\n"""',
    "a.dart": "var q = 'select person_id from WIDE where id = $b';\n"
    "var r = '''select rotation from WIDE'''; var s = 'select leaving_reason ' 'from WIDE';",
    "a.ps1": '$q = "select person_id from WIDE where id = $b"; $r = @"\nselect rotation from WIDE'
    '\n"@\n',
    "a.jl": 'q = "select person_id from WIDE where id = $b"',
    "a.cls": "String q = 'select person_id ' + 'from WIDE';",
    "a.java": 'class A { String q = "select person_id " /* c */ + // x\n "from WIDE where x = \'"'
    ' + y + "\'"; String u = "select \\u0072otation from WIDE";\n'
    'String w = String.format("select leaving_reason from %s", "WIDE"); }',
    "a.py": 'T = "curriculum"\nq = f"SELECT person_id FROM {T}_membership"\n'
    's = "SELECT rotation FROM %s" % "WIDE"\nt = "SELECT x.{} FROM {t} x".format('
    '"leaving_reason", t="WIDE")\n',
}  # fmt: skip
COLUMNS = re.compile(r"\b(?:person_id|rotation|leaving_reason|programme_id|rotation_id)\b")


@pytest.mark.parametrize("name", PROGRAMS)
def test_sql_in_texts_is_found_at_its_place(name: str, tmp_path: Path) -> None:
    text = PROGRAMS[name].replace("WIDE", WIDE)
    outcome = scan_text(text, tmp_path, name=name)
    written = text.replace("\\u0072", "r")
    expected = list(dict.fromkeys(COLUMNS.findall(written)))
    assert columns(outcome) == expected
    for reference in outcome.references:
        rest = text[reference.place.offset :]
        assert rest.startswith((reference.written, "\\u0072otation"))
        lines = text.split("\n")
        assert lines[reference.place.line - 1][reference.place.column - 1 :] == rest.split("\n")[0]
    assert not [note for note in outcome.notes if note.look in (Look.SKIPPED, Look.UNPARSED)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "class Cm(Base):\n    __tablename__ = 'WIDE'\n    person_id = Column(Integer)\n"),
        ("b.py", "cm = sa.Table('WIDE', meta, sa.Column('person_id', sa.Integer))\n"),
        ("c.py", "CurriculumMembership.objects.filter(person_id=3).values('rotation')\n"),
        ("A.java", '@Entity @Table(name = "WIDE") class Cm { @Column(name="person_id") Long p; }'),
        ("B.java", "dsl.select(CURRICULUM_MEMBERSHIP.PERSON_ID).from(CURRICULUM_MEMBERSHIP);"),
        (
            "C.java",
            "interface Cms extends JpaRepository<CurriculumMembership, Long> {\n"
            "  List<CurriculumMembership> findByPersonIdAndRotation(Long p, String r); }",
        ),
        ("a.rb", "class CurriculumMembership < ApplicationRecord\n  belongs_to :rotation\nend\n"),
        ("a.ts", '@Entity("WIDE") class Cm { @Column({name: "person_id"}) personId: number; }'),
        ("a.cs", '[Table("WIDE")] class Cm { [Column("person_id")] public long P {get;set;} }'),
        ("a.ex", 'from c in "WIDE", where: c.person_id == 1'),
        ("a.go", 'package a\nfunc f() { db.Table("WIDE").Find(&all) }'),
        ("a.js", 'knex("WIDE").select()'),
        ("d.py", 'pd.read_sql_table("WIDE", engine)\n'),
        ("e.py", 'q = "SELECT * FROM " + table\n'),
        ("f.py", 'q = f"SELECT * FROM {prefix}_membership"\n'),
        ("a.php", '<?php $q = "select * from $table";'),
        ("g.py", 'q = "SELECT * FROM cur" + name\n'),
        ("i.py", 'cols = ["person_id"]\nq = "SELECT %s FROM WIDE" % ", ".join(cols)\n'),
        ("j.py", 'q = "SELECT * FROM " "{}".format(t)\n'),
        ("k.py", 'q = "SELECT XX FROM WIDE".replace("XX", columns)\n'),
        ("b.R", 'q <- paste("SELECT * FROM", table)'),
        ("b.swift", 'let q = "SELECT * FROM \\(table)"'),
        ("b.cs", 'class A { void F() { var q = $"SELECT * FROM {Table}"; } }'),
        ("a.sql", "SELECT * FROM :table;"),
        ("b.sql", "SELECT * FROM ${table};"),
        ("c.sql", "SELECT * FROM {{ table }};"),
        ("d.sql", "SELECT * FROM &table;"),
        ("h.py", "q = broken('SELECT * \\' FROM WIDE')\n"),
    ],
)
def test_what_an_object_mapper_or_a_run_time_name_may_read_is_open(
    name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert outcome.references or any(note.open for note in outcome.notes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", '# WIDE.person_id was here\nq = "SELECT id FROM WIDE"\n'),
        ("b.py", 'def f(person_id):\n    db.run("SELECT id FROM WIDE WHERE id = %s", person_id)\n'),
        ("A.java", 'class A { /** person_id of WIDE */ String q = "SELECT id FROM WIDE"; }'),
        ("c.py", 'q = "SELECT person_id FROM person"\nr = "SELECT id FROM WIDE"\n'),
        ("d.py", '"""WIDE.person_id"""\nq = "SELECT id FROM WIDE"\n'),
        ("e.py", "def rotation(person_id):\n    return person_id\n"),
        ("f.py", "from models.WIDE import Model\n"),
    ],
)
def test_comments_variables_and_other_tables_are_no_open_question(
    name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert not outcome.references
    assert not any(note.open for note in outcome.notes)


def test_a_program_that_its_grammar_does_not_understand_is_open(tmp_path: Path) -> None:
    text = f'def f(:\n    q = "SELECT * FROM {WIDE}"; x = [\n'
    outcome = scan_text(text, tmp_path, name="a.py")
    assert outcome.references or any(note.open for note in outcome.notes)


def test_without_the_grammars_a_program_that_names_a_table_is_open(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text(f'package a\nvar q = "SELECT id FROM {WIDE}"\n')
    code = (
        "import sys; sys.modules['tree_sitter_language_pack'] = None\n"
        "from membership_refactor.cli import main\n"
        f"sys.exit(main(['scan', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "open (not read)" in done.stdout and "membership-refactor[scan]" in done.stdout

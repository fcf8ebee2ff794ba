"""Names that are put in at run time leave their place open; what cannot be the table is clear."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from membership_refactor.consumers import DEFAULT
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.read.catalog import catalog_outcomes
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.report.summary import ScanOutcome
from membership_refactor.scan.resolve.analyse import Analyser
from membership_refactor.scan.run import Request, scan
from tests.fixtures.databases import NewDatabase
from tests.scan.scan_text import columns, scan_text

WIDE = "curriculum_membership"

STATEMENTS = (
    "SELECT to_jsonb(x) FROM :t x",
    "SELECT x.id FROM :t x",
    "SELECT 1 FROM person p, :t",
    "SELECT p.id FROM person p JOIN q ON q.id = p.id AND q.k = 'x', :t",
    "SELECT p.id FROM person p LEFT JOIN (SELECT 1 AS a) b ON true JOIN :t x ON x.id = p.id",
    "SELECT id FROM person WHERE EXISTS (SELECT FROM :t)",
    "SELECT id FROM person WHERE id IN (SELECT id FROM {{ table }})",
    "CREATE TABLE n (LIKE :t INCLUDING ALL)",
    "CREATE TABLE n (a int, LIKE ${table})",
    "CREATE TABLE n (a int) INHERITS (:t)",
    "CREATE TABLE n PARTITION OF :t DEFAULT",
    "CREATE TABLE n (a int REFERENCES :t)",
    "CREATE TABLE n AS TABLE :t",
    "CREATE VIEW v AS SELECT id FROM &t",
    "INSERT INTO :t VALUES (1)",
    "INSERT {ignored} INTO :t VALUES (1)",
    "SELECT id INTO n FROM :t",
    "INSERT INTO log SELECT id FROM :t",
    "UPDATE :t SET a = 1",
    "UPDATE person SET a = x.a FROM :t x WHERE x.id = person.id",
    "DELETE FROM :t WHERE id = 3",
    "DELETE FROM person USING :t x WHERE x.id = person.id",
    "MERGE INTO :t x USING y ON x.id = y.id WHEN MATCHED THEN DELETE",
    "MERGE INTO y USING :t x ON x.id = y.id WHEN MATCHED THEN DELETE",
    "WITH x AS (SELECT id FROM :t) SELECT id FROM x",
    "TRUNCATE :t",
    "ALTER TABLE :t ADD a int",
    "DROP TABLE IF EXISTS :t",
    "LOCK TABLE :t",
    "COPY :t TO STDOUT",
    'SELECT id FROM public.:"t"',
    'SELECT id FROM "{schema}"."{table}"',
    "SELECT id FROM {schema}.{table}",
    "SELECT id FROM ONLY :t",
    "SELECT c.id FROM curriculum c, LATERAL (SELECT id FROM :t) x",
    "SELECT id FROM person :t",
    "SELECT p.id FROM person p :t WHERE p.id = 3",
    "SELECT p.id FROM person AS p JOIN q ON q.id = p.id :t ORDER BY p.id",
    "SELECT p.id FROM person p JOIN q USING (id) :t",
    "SELECT id FROM (SELECT id FROM person) x :t",
    "SELECT id FROM person WHERE EXISTS (SELECT FROM q :t)",
    "DELETE FROM person p :t",
    "ALTER :t person ADD a int",
    "DROP :t CASCADE",
    "SHOW COLUMNS FROM :t",
    "SELECT attname FROM pg_attribute WHERE attrelid = :t::regclass",
    "SELECT relname FROM pg_class WHERE oid = CAST(:t AS regclass)",
    "SELECT column_name FROM information_schema.columns WHERE table_name = :t",
)

IN_FILES = (
    "CREATE INDEX ON :t (id)",
    "CREATE TRIGGER x AFTER UPDATE ON :t FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE RULE r AS ON INSERT TO :t DO ALSO NOTHING",
    "CREATE POLICY p ON :t USING (true)",
    "CREATE PUBLICATION p FOR TABLE :t",
    "GRANT SELECT ON :t TO x",
    "REVOKE UPDATE ON :t FROM x",
    "CLUSTER :t",
    "ANALYZE :t",
    "VACUUM :t",
    "EXPLAIN ANALYZE UPDATE :t SET a = 1",
    "PREPARE s FROM @q",
    "EXECUTE IMMEDIATE @q",
    "SELECT * FROM dblink('x', :q) AS t (a int)",
    "SELECT query_to_xml(:q, true, true, '')",
    "SELECT table_to_xml(:'t', true, true, '')",
    ":q",
    "SELECT 'TABLE ' || :'t' \\gexec",
    "SELECT p.id FROM person p {{ joins }} WHERE p.id = 3",
    "SELECT p.id FROM person p %s WHERE p.id = 3",
    "SELECT p.id FROM person {joins}",
    "ALTER {kind} IF EXISTS {t} RENAME TO x",
    "COMMENT ON {kind} x IS 'y'",
    "SELECT '{t}'::regclass::oid",
    "SELECT id FROM __TABLE__",
    "SELECT id FROM __KIND_rows__ WHERE id = 3",
    "SELECT id FROM @@TABLE@@",
    "SELECT id FROM ${TABLE}",
    "SELECT id FROM %%TABLE%%",
    "SELECT id FROM |TABLE|",
    "SELECT id FROM TABLE_NAME",
    "DELETE FROM _TABLE_",
    "SELECT id FROM person WHERE {{ condition }}",
    "SELECT id FROM person WHERE id = 3 AND ({condition}) ORDER BY id",
    "SELECT id FROM person WHERE a BETWEEN {b} AND {c} OR {condition}",
    "SELECT id FROM person WHERE id IN ({query})",
    "SELECT id FROM person WHERE NOT EXISTS ({query})",
    "SELECT id FROM person WHERE id = ANY ({query}) LIMIT 1",
    "SELECT id FROM person WHERE id = ({query})",
    "SELECT p.id FROM person p JOIN q ON {condition} WHERE p.id = 3",
    "SELECT a FROM person GROUP BY a HAVING ${condition}",
    "DELETE FROM person WHERE :condition",
    "UPDATE person SET a = 1 WHERE a = 2 AND %s",
    "EXECUTE 'SELECT * FROM ' || x",
    "EXECUTE format('SELECT * FROM %I', x)",
    "EXECUTE IMMEDIATE 'DELETE FROM ' || t",
    "EXECUTE IMMEDIATE q USING 3",
    "EXEC('SELECT * FROM ' + @t)",
    "EXEC sp_executesql @q",
    "PREPARE s FROM concat('SELECT * FROM ', @t)",
    "SELECT to_regclass(:t)",
    "SELECT to_regclass('{t}')",
    "SELECT regclass(:'t')",
    "JOIN {{ t }} x ON x.id = p.id",
    "LEFT JOIN ${t} x ON x.id = p.id",
    "UNION ALL SELECT id FROM :t",
    "AND p.id IN (SELECT id FROM :t)",
)


@pytest.mark.parametrize("text", [*STATEMENTS, *IN_FILES])
def test_a_table_that_is_put_in_leaves_the_statement_open(text: str, tmp_path: Path) -> None:
    outcome = scan_text(f"{text};\n", tmp_path)
    assert any(note.open for note in outcome.notes)


@pytest.mark.parametrize("text", STATEMENTS)
def test_it_does_in_a_program_too(text: str, tmp_path: Path) -> None:
    first, put_in, last = text.partition(":t")
    if put_in:
        outcome = scan_text(f"q = '{first}' + t + '{last}'\n".replace("'x'", "x"), tmp_path,
                            name="a.py")  # fmt: skip
        assert any(note.open for note in outcome.notes)


PLACEHOLDERS = (
    "__TABLE__",
    "@@TABLE@@",
    "${TABLE}",
    "<<TABLE>>",
    "{{TABLE}}",
    "%TABLE%",
    "#TABLE#",
)


@pytest.mark.parametrize("word", PLACEHOLDERS)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'q = "SELECT rotation FROM WORD"\nrun(q.replace(a, b))\n'),
        ("a.java", 'class A { String q = "UPDATE WORD SET rotation = NULL"; }'),
        ("a.go", "package a\nvar q = `SELECT rotation FROM WORD`\n"),
        ("a.rb", "q = 'DELETE FROM WORD'\n"),
        ("a.yml", "q: SELECT rotation FROM WORD\n"),
        ("a.vb", 'Dim q = "SELECT rotation FROM WORD"\n'),
        ("a", "SELECT rotation FROM WORD;\n"),
    ],
)
def test_a_word_that_a_program_replaces_leaves_it_open(
    word: str, name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text.replace("WORD", word), tmp_path, name=name)
    assert any(note.open for note in outcome.notes)


VALUES = (
    "SELECT id FROM person WHERE id = :t",
    "SELECT id FROM person WHERE name LIKE :t AND a IN (:b, :c)",
    "SELECT :a, :b FROM person WHERE f(x, :t) = 1 ORDER BY :c LIMIT :n OFFSET :m",
    "SELECT id FROM person WHERE a IS DISTINCT FROM :t",
    "SELECT extract(year FROM :t), substring(a FROM :n), trim(BOTH FROM :x) FROM person",
    "SELECT id FROM unnest(:ids) AS x (id)",
    "SELECT id FROM (SELECT id, :t FROM person) x",
    "SELECT id FROM (VALUES (:a, :t)) x (id, t)",
    "SELECT p.id FROM person p JOIN q ON q.id = :t",
    "INSERT INTO person (id, name) VALUES (:a, :t) ON CONFLICT (id) DO UPDATE SET name = :t",
    "UPDATE person SET name = :t WHERE id = :a",
    "SELECT id FROM {schema}.person WHERE id = :t",
    'SELECT id FROM "${schema}"."person"',
    "SELECT id FROM &schema..person",
    "SELECT id FROM ${prefix}person",
    "SELECT id FROM person_${suffix}",
    "SELECT id FROM {{ ref('person') }}",
    "CREATE TABLE :t (id int)",
    "CREATE TABLE IF NOT EXISTS {{ table }} (id int)",
    "COPY person FROM :'path'",
    "REVOKE ALL ON person FROM :role",
    "SELECT id FROM person FOR UPDATE OF person",
    "EXECUTE p USING :t",
    f"SELECT c.id FROM {WIDE} c JOIN person p ON p.id = :t AND replace(p.name, 'a', 'b') = :n",
    "SELECT c.id FROM curriculum_old_membership c JOIN person p ON p.id = replace(c.a, 'a', :b)",
    "GRANT SELECT ON person TO :role",
    "CREATE POLICY p ON person TO :role USING (id = :t)",
    "FETCH FROM c INTO :t",
    "INSERT INTO person (id, name)\nVALUES (\n  :a,\n  :t\n)",
    "SELECT id FROM person WHERE id = f(\n:t\n)",
    "SELECT id INTO :t FROM person",
    "SELECT p.id FROM person p ORDER BY :t LIMIT :n",
    "SELECT p.id FROM person p WHERE p.a IN (:t) GROUP BY {columns}",
    "SELECT p.id FROM person p JOIN q ON q.a < p.a AND q.j @> p.j AND q.b % 2 = 1",
    "SELECT p.id FROM person p TABLESAMPLE system (:n)",
    "INSERT INTO person {columns} VALUES (:a)",
    "SELECT pg_total_relation_size('person'::regclass), x.y::text FROM person x WHERE x.a = :a",
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'person'",
    "ALTER TABLE person ALTER {column} DROP DEFAULT",
    "ALTER ROLE :r SET x = :y",
    "DROP FUNCTION IF EXISTS :f",
    "DROP DATABASE IF EXISTS {database} WITH (FORCE)",
    "SELECT id FROM __person",
    "SELECT id FROM dblink('x', 'SELECT id FROM person WHERE a LIKE ''%'' ') AS t (id int)",
    "SELECT id FROM person WHERE {column} = 3 AND {other} IS NULL OR {alias}.a IN (1, 2)",
    "SELECT id FROM person WHERE (:x IS NULL OR a = :x) AND :all OR id = ANY (:ids)",
    "SELECT id FROM person WHERE a BETWEEN {b} AND {c}",
    "SELECT id FROM person WHERE id = {id} AND name LIKE {name} AND f({a}) > {b}",
    "SELECT id FROM person WHERE id IN (#{id}) AND #{flag}",
    "SELECT id FROM person WHERE id IN ({{ ids | join(',') }}) {% if a %} AND a = 1 {% endif %}",
    "UPDATE person SET a = CASE WHEN a = {b} THEN {c} ELSE {d} END WHERE id = {id}",
    "CREATE OR REPLACE VIEW v AS SELECT id FROM person",
    "EXECUTE plan(1, 2)",
    "EXECUTE plan",
    "EXEC dbo.routine @a, @b",
    "EXECUTE IMMEDIATE 'SELECT 1'",
    "SELECT to_regclass('person'), to_regclass('{schema}.person')",
    "PROMPT Copying from &host",
)


@pytest.mark.parametrize("text", VALUES)
def test_a_value_that_is_put_in_leaves_nothing_open(text: str, tmp_path: Path) -> None:
    outcome = scan_text(f"{text};\n", tmp_path)
    assert not outcome.references
    assert not any(note.open for note in outcome.notes), outcome.notes


PARTS = {
    "join.py": 'part = " JOIN " + t + " x ON x.id = p.id"\n',
    "left.py": 'part = f"left join {t} x on x.id = p.id"\n',
    "union.js": "const part = ` UNION SELECT id FROM ${t}`;\n",
    "Filter.java": 'class A { String p = " AND p.id IN (SELECT id FROM " + t + ")"; }',
    "where.py": 'q = "SELECT id FROM person WHERE " + condition\n',
    "in.py": 'q = "SELECT id FROM person WHERE id IN (" + query + ")"\n',
    "and.rb": 'q = "SELECT id FROM person WHERE id = 3 AND #{condition}"\n',
    "grown.py": 'q = "SELECT id FROM person"\nq += " WHERE " + condition\n',
    "regclass.py": 'q = "SELECT to_regclass(%s)"\n',
}


@pytest.mark.parametrize(("name", "text"), PARTS.items(), ids=list(PARTS))
def test_a_part_of_a_statement_that_may_read_any_table_is_open(
    name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert any(note.open for note in outcome.notes)


LISTS = {
    "percent.py": 'q = "SELECT id FROM person WHERE id IN (%s)" % ",".join(["%s"] * n)\n',
    "named.py": 'marks = ", ".join("?" for _ in ids)\n'
    'q = f"SELECT id FROM person WHERE id IN ({marks})"\n',
    "times.py": 'q = "SELECT id FROM person WHERE id IN (" + "?," * n + ")"\n',
    "tuple.py": 'q = f"SELECT id FROM person WHERE id IN {tuple(ids)}"\n',
    "join.js": 'const q = `SELECT id FROM person WHERE id IN (${ids.map(x).join(",")})`;\n',
    "join.rb": "q = \"SELECT id FROM person WHERE id IN (#{ids.join(', ')})\"\n",
    "Join.java": 'class A { String q = "SELECT p.id FROM person p WHERE p.id IN (" + '
    'String.join(",", ids) + ")"; }',
    "implode.php": '<?php $q = "SELECT id FROM person WHERE id IN (" . implode(\',\', $ids) . ")";',
    "join.go": 'package a\nvar q = "SELECT id FROM person WHERE id IN (" + '
    'strings.Join(ids, ",") + ")"\n',
    "join.kt": 'val q = "SELECT id FROM person WHERE id IN (${ids.joinToString()})"\n',
}


@pytest.mark.parametrize(("name", "text"), LISTS.items(), ids=list(LISTS))
def test_values_between_commas_are_no_query(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert not any(note.open for note in outcome.notes), outcome.notes


def test_a_name_that_also_holds_a_query_is_no_list_of_values(tmp_path: Path) -> None:
    text = 'ids = ",".join(found)\nq = f"SELECT id FROM person WHERE id IN ({ids})"\n'
    assert not any(note.open for note in scan_text(text, tmp_path, name="a.py").notes)
    outcome = scan_text(f"{text}ids = query\n", tmp_path, name="a.py")
    assert any(note.open for note in outcome.notes)


SENTENCES = {
    "log.py": 'log(f"Copy {source} to {target}")\nlog(f"Update {name} to version {number}")\n',
    "table.py": 'log(f"Table {name} was not found")\nlog(f"Updated {name} from {old} to {new}")\n',
    "call.h": "enum e { eNotificationTypeIncomingCall = 1 };  // eNumber is the count of calls\n",
    "person.js": "const q = `SELECT id FROM person WHERE id = ${id}`;\n",
    "person.java": 'class A { String q = "SELECT p.id FROM person p WHERE p.id = " + id; }',
}


@pytest.mark.parametrize(("name", "text"), SENTENCES.items(), ids=list(SENTENCES))
def test_sentences_and_other_tables_leave_nothing_open(
    name: str, text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert not any(note.open for note in outcome.notes), outcome.notes


PUT_TOGETHER = {
    "cast.java": 'class A { String t = "curriculum" + (char) 95 + "membership"; }',
    "choice.js": 'const t = "curriculum" + (x ? y : z) + "membership"; read(t);',
    "index.ts": 'const t = "curriculum" + signs[0] + "membership"; read(t);',
    "middle.rb": 't = "curricul" + x + "embership"\n',
    "middle.py": 't = f"curri{x}bership"\nread_table(t)\n',
    "camel.js": "const rows = await prisma[`curriculum${kind}`].findMany();\n",
    "camel2.js": 'const rows = await prisma["curriculum" + kind].findMany();\n',
    "camel3.ts": "const rows = await prisma[`${kind}Membership`].findMany();\n",
    "camel4.ts": 'const rows = await prisma[kind + "Membership"].findMany();\n',
    "append.java": 'class A { String t = new StringBuilder("curriculum").append((char) 0x5F)'
    '.append("membership").toString(); }',
    "rot13.py": 't = codecs.decode("pheevphyhz_zrzorefuvc", "rot13")\n',
    "taken.py": 't = "curriculum_xmembership".replace("x", "")\nread_table(t)\n',
    "twice.py": 't = "curriculum__membership".replace("__", "_")\nread_table(t)\n',
    "glued.py": f't = "x{WIDE}"[1:]\nread_table(t)\n',
    "glued2.rb": f't = "{WIDE}xyz"[0..20]\nread(t)\n',
    "glued3.js": f'const t = "__{WIDE}9".slice(2, -1); read(t);',
}


@pytest.mark.parametrize(("name", "text"), PUT_TOGETHER.items(), ids=list(PUT_TOGETHER))
def test_a_name_that_is_put_together_is_found_or_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert outcome.references or any(note.open for note in outcome.notes)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "zlib": zlib.compress, "bz2": bz2.compress, "xz": lzma.compress,
}  # fmt: skip


def _packed(text: str, packer: str, *, digits: bool = False) -> str:
    raw = PACKERS[packer](text.encode())
    return raw.hex() if digits else base64.b64encode(raw).decode()


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("name", ["a.py", "b.yml", "c.txt"])
def test_compressed_text_that_names_the_table_is_open(
    packer: str, name: str, tmp_path: Path
) -> None:
    written = 'q{} "{}"\n'.format(":" if name == "b.yml" else " =", "{}")
    other = "SELECT id FROM person WHERE name = 'a' AND place = 'b'"
    for text, expected in ((f"SELECT rotation FROM {WIDE}", True), (other, False)):
        outcome = scan_text(written.format(_packed(text, packer)), tmp_path, name=name)
        assert any(note.open for note in outcome.notes) is expected
    digits = _packed(f"SELECT rotation FROM {WIDE}", "gzip", digits=True)
    outcome = scan_text(written.format(digits), tmp_path, name=name)
    assert any(note.open for note in outcome.notes)


def _scan(folder: Path, **files: str) -> ScanOutcome:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return scan(Request(plan=SPLIT, stage=Stage.INTERIM, consumers=(DEFAULT,), paths=(folder,)))


@pytest.mark.parametrize(
    "joint", ['T = f"{A}_{B}"', 'T = A + "_" + B', 'T = "_".join([A, B])', 'T = "%s_%s" % (A, B)']
)
def test_parts_of_a_name_in_different_files_are_open(joint: str, tmp_path: Path) -> None:
    first, second = 'A = "curriculum"\n', 'B = "membership"\n'
    (tmp_path / "clear").mkdir()
    for files in ({"a_dot_py": first}, {"b_dot_py": second}):
        alone = _scan(tmp_path / "clear", c_dot_py=f"from a import A\n{joint}\n", **files)
        assert alone.consumers[0].clear, alone.consumers[0].why
        for path in (tmp_path / "clear").iterdir():
            path.unlink()
    both = _scan(tmp_path, a_dot_py=first, b_dot_py=second, c_dot_py=f"from a import A\n{joint}\n")
    assert not both.consumers[0].clear
    noted = {Path(file.path).name for file in both.files if any(n.open for n in file.notes)}
    assert noted == {"a.py", "b.py"}


@pytest.mark.parametrize(
    "line", ["\\i ../other/b.sql", "\\ir ../other/b.sql", "\\include :file", "\\i 'c.sql'",
             "source /srv/b.sql;", "\\. b.sql", "@b.sql", "@@ b.sql"]
)  # fmt: skip
def test_a_file_that_a_script_runs_and_nobody_scans_is_open(line: str, tmp_path: Path) -> None:
    outcome = _scan(tmp_path, a_dot_sql=f"SELECT 1;\n{line}\n")
    assert not outcome.consumers[0].clear
    assert "it runs" in outcome.files[0].notes[0].message


@pytest.mark.parametrize("line", ["\\i sub/b.sql", "\\ir sub/b.sql", "source sub/b.sql;"])
def test_a_file_that_a_script_runs_and_that_is_scanned_is_not(line: str, tmp_path: Path) -> None:
    copied = "COPY x FROM stdin;\n1\n\\.\n"
    outcome = _scan(tmp_path, a_dot_sql=f"{line}\n{copied}", sub__b_dot_sql="SELECT 1;\n")
    assert outcome.consumers[0].clear, outcome.consumers[0].why


@pytest.mark.parametrize(
    "control",
    [
        "LOOP EXIT WHEN (SELECT rotation FROM WIDE LIMIT 1) = 'x'; END LOOP;",
        "LOOP CONTINUE WHEN EXISTS (SELECT FROM WIDE WHERE rotation = 'x'); END LOOP;",
        "<< outer >> FOR r IN SELECT rotation FROM WIDE LOOP NULL; END LOOP;",
        "IF (SELECT rotation FROM WIDE LIMIT 1) = 'x' THEN NULL; END IF;",
        "CASE WHEN (SELECT rotation FROM WIDE LIMIT 1) = 'x' THEN NULL; ELSE NULL; END CASE;",
        "x := CASE WHEN true THEN (SELECT rotation FROM WIDE LIMIT 1) ELSE 'y' END;",
        "WHILE (SELECT rotation FROM WIDE LIMIT 1) = 'x' LOOP NULL; END LOOP;",
        "RAISE NOTICE '%', (SELECT rotation FROM WIDE LIMIT 1);",
        "RETURN QUERY SELECT rotation FROM WIDE;",
        "MERGE INTO x USING WIDE w ON w.id = x.id WHEN MATCHED THEN UPDATE SET a = w.rotation;",
    ],
)
def test_every_condition_of_a_routine_is_read(control: str, tmp_path: Path) -> None:
    body = f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {control} END $$;"
    outcome = scan_text(body.replace("WIDE", WIDE), tmp_path)
    assert columns(outcome) == ["rotation"]
    assert not any(note.open for note in outcome.notes), outcome.notes


def test_a_function_that_puts_its_sql_together_is_open(new_database: NewDatabase) -> None:
    engine = create_engine(new_database())
    head = "(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
    bodies = {
        "loose": "EXECUTE 'DELETE FROM ' || t;",
        "formatted": "EXECUTE format('DELETE FROM %I', t);",
        "fixed": "EXECUTE 'DELETE FROM person';",
        "plain": "DELETE FROM person WHERE name = t;",
    }
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE person (name text)")
        for name, body in bodies.items():
            made = f"CREATE FUNCTION {name}{head}{body} END $$"
            connection.exec_driver_sql(made.replace("%", "%%"))
        scanner = FileScanner(Analyser(SPLIT, Stage.INTERIM, DEFAULT))
        found = {
            outcome.path
            for outcome in catalog_outcomes(connection, "public", scanner)
            if any(note.open for note in outcome.notes)
        }
    engine.dispose()
    assert found == {"function public.loose(t text)", "function public.formatted(t text)"}

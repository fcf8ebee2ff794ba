"""Calls that take a table by a name that is put in, files that no grammar reads, cut names."""

from __future__ import annotations

from pathlib import Path

import pytest

from membership_refactor.scan.read.disguised_names import disguises
from tests.scan.scan_text import scan_text

OPEN = {
    "pandas.py": "frame = pd.read_sql_table(t, con)\n",
    "keyword.py": "frame = pd.read_sql_table(con=engine, table_name=t)\n",
    "format.py": 'frame = pd.read_sql_table(f"{kind}_rows", engine)\n',
    "write.py": 'frame.to_sql(name, engine, if_exists="append")\n',
    "tables.py": "rows = meta.tables[name]\n",
    "classes.py": 'rows = Base.metadata.tables[f"{schema}.{name}"]\n',
    "get.py": "rows = metadata.tables.get(name)\n",
    "core.py": "rows = Table(name, metadata, autoload_with=engine)\n",
    "sorted.py": "for table in metadata.sorted_tables:\n    read(table)\n",
    "inspect.py": "names = inspect(engine).get_table_names()\n",
    "model.py": 'rows = apps.get_model("app", name).objects.all()\n',
    "jdbc.py": 'rows = spark.read.format("jdbc").option("dbtable", t).load()\n',
    "loop.py": 'for t in ["a", x]:\n    db.table(t)\n',
    "spark.scala": "object A { val rows = spark.table(t) }\n",
    "knex.js": "const rows = await knex(t).select();\n",
    "template.ts": "const rows = await db.table(`${kind}_rows`).all();\n",
    "mapped.py": 'class Row(Base):\n    __tablename__ = PREFIX + "rows"\n',
    "meta.py": "class Meta:\n    db_table = name\n",
    "record.rb": "class Row < ApplicationRecord\n  self.table_name = name\nend\n",
    "Insert.java": "class A { void f() { new SimpleJdbcInsert(ds).withTableName(t).execute(x); } }",
    "supabase.ts": "const rows = await supabase.from(t).select();\n",
    "union.py": 'q = f"SELECT id FROM person UNION {rest}"\n',
    "laravel.php": "<?php $rows = DB::table($t)->get();\n",
    "dplyr.R": "rows <- tbl(con, t)\n",
    "dbi.R": "rows <- dbReadTable(con, t)\n",
    "query.vb": 'Dim q = "SELECT id FROM " & t & " WHERE id = 3"\n',
    "joins.fs": 'let q = "SELECT p.id FROM person p " + joins\n',
    "query.hs": 'q = "DELETE FROM " ++ t\n',
    "query.erl": 'Q = io_lib:format("UPDATE ~s SET a = 1", [T]).\n',
    "page.html": "<script>q = `SELECT id FROM ${t}`</script>\n",
    "Makefile": 'dump:\n\tpsql -c "TABLE $(T)"\n',
    "query.tcl": 'set q "SELECT id FROM $t"\n',
    "notes.unknown": "select id from {{ t }};\n",
    "copy_from.py": "cursor.copy_from(file, t)\n",
    "copy_to.py": 'cur.copy_to(file, f"{kind}_rows", sep=",")\n',
    "copy_expert.py": "cur.copy_expert(query, file)\n",
    "copy_records.py": "await connection.copy_records_to_table(t, records=rows)\n",
    "table.py": "from sqlalchemy import table\nrows = table(name, column('a'))\n",
    "sa_table.py": "rows = sa.table(name)\n",
    "reflected.py": "import sqlalchemy\nrows = Table(name, known, autoload_with=engine)\n",
    "sequel.rb": "rows = DB[name].all\n",
    "sequel_symbol.rb": "rows = DB[kind.to_sym].where(a: 1)\n",
    "sequel_from.rb": "rows = DB.from(name)\n",
    "getattr.py": "rows = getattr(models, name).objects.all()\n",
    "getattr_core.py": "model = getattr(app.models, kind)\n",
    "getattr_module.py": "rows = getattr(module, name).objects.count()\n",
    "constantize.rb": "rows = params[:kind].constantize.all\n",
    "const_get.rb": "rows = Object.const_get(name).where(a: 1)\n",
    "prisma.ts": "const rows = await prisma[name].findMany();\n",
    "models.js": "const rows = await models[name].findAll();\n",
    "dump.sh": 'pg_dump -t "$t" db > x\n',
    "dump_long.sh": "pg_dump \\\n  --table=$t db\n",
    "dump_loop.sh": "for t in $tables; do pg_restore -t $t x; done\n",
    "dump_list.py": 'subprocess.run(["pg_dump", "-t", t, db])\n',
    "import.sh": 'sqoop import --table "${t}"\n',
    "Constant.java": "@Entity @Table(name = Names.ROWS) class A {}",
    "Schema.java": '@Entity @Table(schema = "x", name = Names.ROWS) class A {}',
    "Sum.java": '@Entity @Table(name = PREFIX + "rows") class A {}',
    "Joined.java": "class A { @JoinTable(name = Names.ROWS) Set<B> rows; }",
    "Constant.kt": "@Entity\n@Table(name = Names.ROWS)\nclass A\n",
    "Constant.cs": "[Table(Names.Rows)] class A { }",
    "Constant.ts": "@Entity({ name: NAMES.rows }) class A {}",
    "Constant.php": "<?php class A extends Model { protected $table = Names::ROWS; }",
    "constant.go": "package a\nfunc (A) TableName() string { return names.Rows }\n",
}


@pytest.mark.parametrize(("name", "text"), OPEN.items(), ids=list(OPEN))
def test_a_table_that_is_taken_by_any_name_is_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert any(note.open for note in outcome.notes)


CLEAR = {
    "pandas.py": 'frame = pd.read_sql_table("person", con)\nframe.to_sql("copy", con)\n',
    "tables.py": 'rows = meta.tables["person"]\nmore = Table("person", metadata)\n',
    "known.py": 'TABLE = "person"\nrows = Table(TABLE, metadata)\nmore = meta.tables[TABLE]\n',
    "model.py": 'rows = apps.get_model("app", "Person").objects.all()\n',
    "made.py": "def read_sql_table(name, con):\n    return rows_of(name, con)\n",
    "mapped.py": 'class Row(Base):\n    __tablename__ = "person"\n',
    "meta.py": 'class Meta:\n    db_table = "person"\n',
    "record.rb": "class Row < ApplicationRecord\n  self.table_name = 'person'\nend\n",
    "page.py": "text = render_table(rows, widths)\nprint(tables[number])\n",
    "page.js": "console.table(rows);\nconst size = layout.tables[i];\n",
    "knex.js": 'const rows = await knex("person").select();\n',
    "spark.scala": 'object A { val rows = spark.table("public.person") }\n',
    "laravel.php": "<?php $rows = DB::table('person')->get(); $this->table($heads, $rows);\n",
    "dbi.R": 'rows <- dbReadTable(con, "person")\nmore <- tbl(con, "person")\n',
    "query.vb": 'Dim q = "SELECT id FROM person WHERE a = " & x\n',
    "notes.txt": "Select what you want from the list: {list}. Update {name} to {version}.\n",
    "page.html": "<p>Select a row from the table below.</p><b>Delete</b> it from <i>here</i>.\n",
    "own.py": "rows = self._parse_table(schema)\nmore = sql_util.find_tables(select)\n",
    "code.py": 'text = f"from models import {name}"\n',
    "notes.md": "`SELECT id FROM person`, and then\n\n| `LOCK TABLE person` | the lock |\n",
    "style.css": "a { color: red } /* select from: none */\n",
    "copy.py": 'cur.copy_from(file, "person")\ncur.copy_expert("COPY person TO STDOUT", file)\n'
    'QUERY = f"COPY person TO STDOUT"\ncur.copy_expert(QUERY, file)\npath.copy_to(a, b)\n',
    "table.py": "rows = table(data)\nprint(Table(rows, widths))\ndoc.table(rows, header=True)\n",
    "sa_table.py": 'from sqlalchemy import table\nrows = table("person", column("id"))\n',
    "sequel.rb": "rows = DB[:person].all\nx = ENV[name]\nmore = db[key]\n",
    "getattr.py": "x = getattr(self, name)\ny = getattr(settings, key)\nz = getattr(models, 'A')\n"
    "tags = getattr(person, field).all()\nargument = models[i].fit(x)\n",
    "constantize.rb": "rows = 'Person'.constantize.all\nhandler = name.constantize.new\n",
    "prisma.ts": "const rows = await prisma.person.findMany(); const one = list[i].find(x);\n",
    "dump.sh": 'pg_dump -t person db > x\ngrep -t "$t" x\npg_dump --table=person -d "$db"\n',
    "Constant.java": "@Entity\n@Table(name = PERSON, schema = OWN)\nclass A {\n"
    '  static final String PERSON = "person";\n}\n',
    "Indexes.java": '@Table(schema = OWN, name = "person", indexes = @Index(name = X)) class A {}',
    "Constant.cs": '[Table("person")] class A { } [Table(nameof(Person))] class B { }',
    "Constant.ts": '@Entity("person") class A {} @Entity() class B {}',
    "constant.go": 'package a\nfunc (A) TableName() string { return "person" }\n',
    "log.py": 'log(f"From {one} to {other}")\nlog(f"Join us at {place} on {day}")\n',
}


@pytest.mark.parametrize(("name", "text"), CLEAR.items(), ids=list(CLEAR))
def test_a_table_that_is_named_leaves_nothing_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text, tmp_path, name=name)
    assert not any(note.open for note in outcome.notes), outcome.notes


CUT = (
    'B = "ers"\nA = "ord"\nread(A + B)\n',
    "b := `ders`\na := `or` + x\nb2 := `ers`\nc := `ord`\n",
    'LAST = "s"\nSECOND = "er"\nFIRST = "ord"\nMORE = "ers"\nread(FIRST, SECOND, LAST)\n',
    'read("%sers" % first)\nfirst = "ord"\n',
    'const a = `ord${end}`, end = "ers";\n',
    'put("rde", "x")\nput("ord", 1)\nput("ers", 2)\n',
)


@pytest.mark.parametrize("text", CUT)
def test_a_name_that_is_cut_in_one_file_is_open(text: str) -> None:
    assert list(disguises(frozenset({"orders"})).find(text))


WHOLE = (
    'A = "order"\nB = "sheets"\n',
    'word = "ord"\nother = "erst"\n',
    'a = "border"\nb = "borders"\n',
    'f("ers", "ord")\n'.replace("ers", "er"),
)


@pytest.mark.parametrize("text", WHOLE)
def test_words_that_make_no_name_are_not(text: str) -> None:
    assert not list(disguises(frozenset({"orders"})).find(text))

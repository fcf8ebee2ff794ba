"""References in places that no list names: each is found, or its file is open."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.scan.scan_text import scan_text

WIDE = "curriculum_membership"
CODED = base64.b64encode(f"select rotation from {WIDE}".encode()).decode()

PUT_TOGETHER = {
    "implode.php": "<?php $t = implode('_', ['curriculum', 'membership']); "
    "$q = 'SELECT rotation FROM ' . $t;",
    "implode_hole.php": "<?php $t = implode('_', ['curriculum', $kind]); table($t);",
    "strtr.php": "<?php $t = strtr('curriculum-membership', '-', '_'); $db->table($t)->get();",
    "join.go": 'package a\nvar t = strings.Join([]string{"curriculum", "membership"}, "_")\n',
    "sprintf.go": 'package a\nfunc f(k string) { t := fmt.Sprintf("curriculum_%s", k); g(t) }\n',
    "joinTo.kt": 'val t = listOf("curriculum", "membership").joinToString("_")\n',
    "template.kt": 'val t = "${prefix}_membership"\n',
    "Join.java": 'class A { String t = String.join("_", "curriculum", "membership"); }',
    "Format.java": 'class A { String t(String k) { return String.format("%s_membership", k); } }',
    "Builder.java": "class A { void f() { b.append(\"curriculum\").append('_').append(k); } }",
    "Replace.java": "class A { String t = \"curriculum-membership\".replace('-', '_'); }",
    "Concat.java": 'class A { String t = "curriculum".concat("_membership"); }',
    "Stream.java": 'class A { String t = Stream.of("curriculum", x).collect(joining("_")); }',
    "join.rb": "t = %w[curriculum membership].join('_')\n",
    "symbols.rb": "rows = DB[:WIDE].all\n",
    "tableize.rb": "t = 'curriculum membership'.parameterize(separator: '_')\n",
    "hash.rb": 't = "curriculum_#{kind}"\n',
    "gsub.rb": "t = 'curriculum.membership'.gsub('.', '_')\n",
    "replace.py": 't = "curriculum-membership".replace("-", "_")\nread_table(t)\n',
    "join.py": 't = "".join(("curri", "culum", "_", "membership"))\nread_table(t)\n',
    "fstring.py": 't = f"curriculum_{kind}"\nread_table(t)\n',
    "percent.py": 't = "%s_%s" % ("curriculum", kind)\nread_table(t)\n',
    "parts.py": 'A, B = "curriculum", "membership"\n\n\ndef t(a, b):\n    return f"{a}_{b}"\n',
    "reversed.py": 't = "pihsrebmem_mulucirruc"[::-1]\nread_table(t)\n',
    "codes.py": f"t = bytes({list(WIDE.encode())}).decode()\nread_table(t)\n",
    "hexadecimal.py": f'q = bytes.fromhex("{WIDE.encode().hex()}").decode()\n',
    "b64.py": f'q = base64.b64decode("{CODED}").decode()\n',
    "pandas.py": 'frame = spark.table("public.WIDE")\n',
    "alias.js": 'knex("WIDE as cm").select()\n',
    "mid.js": 'const t = "curriculum_mem" + rest; read(t);',
    "nested.ts": "const t = `${a ? `curriculum` : `x`}_membership`; read(t);",
    "template.ts": "const t = `curriculum_${kind}`; read(t);",
    "concat.cs": 'class A { string T = string.Concat("curric", "ulum_member", "ship"); }',
    "joined.cs": 'class A { string T = string.Join("_", new[] { "curriculum", "membership" }); }',
    "interpolated.cs": 'class A { string T(string k) => $"curriculum_{k}"; }',
    "format.rs": 'fn f(k: &str) -> String { format!("curriculum_{}", k) }',
    "join.rs": 'fn f() -> String { ["curriculum", "membership"].join("_") }',
    "braces.pl": 'my $q = "SELECT rotation FROM curriculum\\x{5f}membership";',
    "words.pl": "my $t = join '_', qw(curriculum membership);",
    "variable.sh": 'psql -c "TABLE ${t}_membership"\n',
    "printf.sh": "t=$(printf '%s_%s' curriculum membership)\n",
    "quotes.sh": "psql -c 'TABLE curriculum'\"_\"'membership'\n",
    "ansi.sh": "psql -c $'TABLE curriculum\\137membership'\n",
    "lines.sh": 'psql -c "SELECT rotation FROM curriculum\\\n_membership"\n',
    "paste.R": 't <- paste("curriculum", kind, sep = "_")\n',
    "glue.R": 't <- glue("curriculum_{kind}")\n',
    "join.ps1": "$t = 'curriculum', 'membership' -join '_'\n",
    "format.ps1": "$t = '{0}_membership' -f $kind\n",
    "concat.lua": 'local t = table.concat({"curriculum", "membership"}, "_")\n',
    "join.ex": 't = Enum.join(["curriculum", "membership"], "_")\n',
    "keyword.clj": "(h/format {:select [:rotation] :from [:curriculum-membership]})\n",
    "named.clj": '(keyword (str "curriculum_" kind))\n',
    "join.jl": 't = join(["curriculum", "membership"], "_")\n',
    "splice.swift": 'let t = ["curriculum", "membership"].joined(separator: "_")\n',
    "splice.dart": "final t = ['curriculum', 'membership'].join('_');\n",
    "splice.groovy": "def t = ['curriculum', 'membership'].join('_')\n",
    "mk.scala": 'object A { val t = Seq("curriculum", "membership").mkString("_") }\n',
    "hole.scala": 'object A { def t(k: String) = s"curriculum_$k" }\n',
    "record.cob": "       01 CURRICULUM-MEMBERSHIP.\n          05 ROTATION PIC X(9).\n",
    "module.vb": 'Dim t = "curriculum" & _\n  "_membership"\n',
    "plus.sql": "SELECT rotation FROM &t._membership;\n",
    "psql.sql": 'SELECT rotation FROM :"t"_membership;\n',
    "execute.sql": "DO $$ BEGIN EXECUTE 'TABLE ' || 'curriculum' || '_' || 'membership'; END $$;\n",
    "chr.sql": "SELECT query_to_xml('table curriculum' || chr(95)||'membership', true, true, '');",
    "like.sql": "SELECT 'table ' || relname FROM pg_class WHERE relname LIKE 'curriculum\\_%'\n",
    "mustache.sql": "SELECT rotation FROM {{ prefix }}_membership;\n",
    "erb.sql": "SELECT rotation FROM curriculum_<%= kind %>;\n",
    "jinja.sql": "{% set t = 'curriculum_' ~ kind %}\nSELECT * FROM {{ t }};\n",
    "env.sql": "SELECT rotation FROM ${SCHEMA}.curriculum_${KIND};\n",
}

STRINGS_OF_SQL = {
    "table.sql": "SELECT table_to_xml('WIDE', true, false, '');\n",
    "schema.sql": "SELECT table_to_xml('public.WIDE'::regclass, true, false, '');\n",
    "query.sql": "SELECT query_to_xml($q$table WIDE$q$, true, false, '');\n",
    "cursor.sql": "DECLARE c CURSOR FOR TABLE WIDE;\n"
    "SELECT cursor_to_xml('c', 10, true, false, '');\n",
    "dblink.sql": "SELECT * FROM dblink('', 'table WIDE') AS t (a int);\n",
    "format.sql": "SELECT query_to_xml(format('SELECT * FROM %s', "
    "'WIDE'::pg_catalog.regclass), true, false, '');\n",
    "execute.sql": "DO $$ BEGIN EXECUTE 'SELECT * FROM ' || 'WIDE'::regclass; END $$;\n",
    "columns.sql": "SELECT string_agg(column_name, ',') FROM information_schema.columns "
    "WHERE table_name = 'WIDE';\n",
    "attributes.sql": "SELECT attname FROM pg_attribute WHERE attrelid = 'WIDE'::regclass;\n",
    "perform.sql": "DO $$ BEGIN PERFORM table_to_xml('WIDE', true, true, ''); END $$;\n",
    "copy.sql": "SELECT lo_export('COPY (TABLE WIDE) TO STDOUT');\n",
    "etl.sql": "INSERT INTO jobs (source, target) VALUES ('WIDE', 'x');\n",
    "prepared.sql": "SET @q = 'SELECT * FROM WIDE'; PREPARE s FROM @q;\n",
    "gexec.sql": "SELECT format('SELECT %I FROM %I', a, 'WIDE') FROM x \\gexec\n",
    "cron.sql": "SELECT cron.schedule('0 1 * * *', $$TABLE WIDE$$);\n",
}

PLACES = {
    "Makefile": "T = curriculum\ndump:\n\tpsql -c 'TABLE $(T)_membership'\n",
    "Dockerfile": 'ENV T=curriculum\nRUN psql -c "TABLE ${T}_membership"\n',
    ".env": "DUMP=TABLE WIDE\n",
    "crontab": "0 1 * * * psql -c 'TABLE WIDE'\n",
    "a.po": 'msgid "SELECT rotation FROM curric"\n"ulum_membership"\n',
    "b.properties": "t=curriculum\\u005fmembership\n",
    "c.properties": "t=curriculum_\\\n    membership\n",
    "d.json": '{"t": "curriculum\\u005fmembership"}',
    "e.json": '{"t": "\\u0063urriculum_membership", "c": ["rotation"]}',
    "f.json": '{"q": "{\\"sql\\": \\"SELECT rotation FROM curriculum\\\\u005fmembership\\"}"}',
    "g.xml": '<!DOCTYPE m [<!ENTITY t "curriculum">]><m>SELECT rotation FROM &t;_membership</m>',
    "h.xml": "<m><s>SELECT rotation FROM <![CDATA[curriculum]]><![CDATA[_membership]]></s></m>",
    "i.xml": "<m table='curriculum&lowbar;membership'/>",
    "j.ini": "[source]\ntable = WIDE\n",
    "k.toml": 'table = "curriculum\\u005Fmembership"\n',
    "l.yml": "t: &t WIDE\nq: *t\n",
    "m.yml": "q: !join ['curriculum', '_membership']\n",
    "n.yml": 'q: "SELECT rotation FROM curriculum\\\n  _membership"\n',
    "o.yml": f"kind: Secret\ndata:\n  q: {CODED}\n",
    "p.yml": "q: SELECT rotation FROM {{ .Values.kind }}_membership\n",
    "q.prisma": "model CurriculumMembership {\n  rotation String?\n}\n",
    "r.graphql": "query { WIDE_by_pk(id: 1) { rotation } }\n",
    "s.proto": 'message M { option (table) = "WIDE"; }\n',
    "t.tf": 'resource "x" "y" { table = "curriculum_${var.kind}" }\n',
    "u.hcl": 'query = "TABLE WIDE"\n',
    "v.eml": "Subject: x\n\nSELECT rotation FROM curriculum=5Fmembership\n",
    "w.http": "GET /rest/curriculum%5Fmembership?select=rotation\n",
    "x.csv": "source,target\nWIDE,x\n",
    "y.bat": 'psql -c "TABLE %T%_membership"\n',
    "z.el": "(sql-table 'curriculum-membership)\n",
    "Entity.java": '@Entity @Table(schema = "x", name = "curriculum" + "_membership") class A {}',
    "Text.py": 'q = text("SELECT cm.rotation FROM curriculum_" "membership cm")\n',
    "field.py": 'rows = CurriculumMembership.objects.values("rot" "ation")\n',
    "attribute.py": 'x = getattr(CurriculumMembership.objects.get(), "person" + "_id")\n',
    "heredoc.php": "<?php $q = <<<SQL\nSELECT rotation FROM {$t}_membership\nSQL;\n",
    "heredoc.rb": "q = <<~SQL\n  SELECT rotation FROM #{t}_membership\nSQL\n",
    "heredoc.sh": "psql <<SQL\nSELECT rotation FROM ${t}_membership;\nSQL\n",
    "sqlplus.sql": "DEFINE t = curriculum\nSELECT rotation FROM &&t._membership;\n",
    "dump.sql": "/*!50001 CREATE VIEW v AS SELECT * FROM `WIDE` */;\n",
}


@pytest.mark.parametrize(
    ("name", "text"), [*PUT_TOGETHER.items(), *STRINGS_OF_SQL.items(), *PLACES.items()]
)
def test_a_reference_is_found_or_its_file_is_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert outcome.references or any(note.open for note in outcome.notes)

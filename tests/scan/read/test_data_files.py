"""Files of data: SQL in values, elements, cells and settings is found at its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scan.scan_text import columns, scan_text

WIDE = "curriculum_membership"

MAPPER = """<?xml version="1.0"?>
<!DOCTYPE mapper PUBLIC "a" "b">
<mapper>
  <sql id="cols">person_id, rotation</sql>
  <select id="x">SELECT <include refid="cols"/> FROM WIDE cm
    <where>
      <if test="a != null">AND cm.leaving_reason = #{a}</if> AND cm.id &lt; 5
      <![CDATA[ AND cm.programme_id < 2 ]]>
    </where>
    <foreach collection="l" item="i" open="AND cm.id IN (" separator="," close=")">#{i}</foreach>
  </select>
</mapper>
"""
WORKFLOW = """# WIDE.training_pathway
jobs:
  - sql: |
      SELECT person_id
      FROM WIDE
  - run: |
      psql -c "SELECT rotation FROM WIDE"
  - q: >-
      SELECT leaving_reason
      FROM WIDE WHERE id = 1
  - p: "SELECT programme_id FROM WIDE"
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("m.xml", MAPPER, ["person_id", "rotation", "leaving_reason", "programme_id"]),
        ("l.xml", "<c><sql>UPDATE WIDE SET rotation = 1;</sql></c>", ["rotation"]),
        ("a.ktr", "<t><sql>SELECT person_id&#xa;FROM WIDE</sql></t>", ["person_id"]),
        ("b.ktr", '<t sql="SELECT person_id FROM WIDE"/>', ["person_id"]),
        ("a.yml", WORKFLOW, ["person_id", "rotation", "leaving_reason", "programme_id"]),
        (
            "a.json",
            '{"q": "SELECT person_id\\nFROM WIDE", "l": ["SELECT rotation", "FROM WIDE"]}',
            ["person_id", "rotation"],
        ),
        (
            "a.toml",
            'q = "SELECT person_id FROM WIDE"\nr = """\nSELECT rotation\nFROM WIDE"""\n',
            ["person_id", "rotation"],
        ),
        (
            "a.properties",
            "q.a = SELECT person_id \\\n  FROM WIDE\nb=SELECT rotation FROM WIDE\n",
            ["person_id", "rotation"],
        ),
    ],
)
def test_sql_in_values_is_found_at_its_place(
    name: str, text: str, expected: list[str], tmp_path: Path
) -> None:
    text = text.replace("WIDE", WIDE)
    outcome = scan_text(text, tmp_path, name=name)
    assert columns(outcome) == expected
    assert all(text[r.place.offset :].startswith(r.written) for r in outcome.references)
    assert not any(note.open for note in outcome.notes), outcome.notes


def test_cells_of_a_notebook_are_read_in_their_language(tmp_path: Path) -> None:
    def cell(kind: str, *lines: str) -> dict[str, object]:
        source = [line.replace("WIDE", WIDE) for line in lines]
        return {"cell_type": kind, "source": source, "outputs": [{"text": [f"{WIDE}.rotation_id"]}]}

    cells = [
        cell("code", 'q = "SELECT person_id "\n', 'q += "FROM WIDE"\n'),
        cell("code", "%sql SELECT rotation FROM WIDE\n"),
        cell("code", "%%sql\n", "SELECT leaving_reason\n", "FROM WIDE"),
        cell("code", "%%bash\n", 'psql -c "SELECT programme_id FROM WIDE"\n'),
        cell("markdown", "WIDE.training_pathway"),
    ]  # fmt: skip
    text = json.dumps(
        {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}}, indent=1
    )
    outcome = scan_text(text, tmp_path, name="a.ipynb")
    assert columns(outcome) == ["person_id", "rotation", "leaving_reason", "programme_id"]
    assert all(text[r.place.offset :].startswith(r.written) for r in outcome.references)
    assert not any(note.open for note in outcome.notes), outcome.notes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.xml", '<dropColumn tableName="WIDE" columnName="person_id"/>'),
        ("h.xml", '<class table="WIDE"><property name="p" column="person_id"/></class>'),
        ("i.xml", "<m><select>SELECT <include refid='x.cols'/> FROM WIDE</select></m>"),
        ("t.yml", "source:\n  table: WIDE\n"),
        ("d.yml", "models:\n  - name: WIDE\n    columns:\n      - name: person_id\n"),
        ("a.json", '{"table": "WIDE", "columns": ["person_id"]}'),
        ("b.json", '{"table.include.list": "public.WIDE"}'),
        ("a.toml", 'table = "WIDE"\n'),
        ("a.properties", "table=WIDE\n"),
        ("broken.json", '{"q": "SELECT * FROM WIDE'),
        ("broken.xml", "<a><b>SELECT * FROM WIDE</a>"),
        ("e.xml", "<t><sql>SELECT person&#95;id FROM curriculum&#95;membership</sql></t>"),
        ("r.yml", 'q: "SELECT * FROM ${TABLE}"\n'),
    ],
)
def test_what_is_named_outside_of_sql_is_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert outcome.references or any(note.open for note in outcome.notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('SELECT cm.U&"person\\005fid" FROM WIDE cm;', ["person_id"]),
        ("SELECT cm.U&\"person!005fid\" FROM WIDE cm WHERE U&'a!0041' UESCAPE '!' = 'x';", None),
        ('SELECT person_id FROM U&"curriculum\\005fmembership";', ["person_id"]),
        ('SELECT rotation FROM U&"curriculum\\+00005fmembership" cm;', ["rotation"]),
        ("SELECT person_id FROM ONLY (WIDE);", ["person_id"]),
        ("SELECT cm.rotation FROM ONLY ( public.WIDE ) cm;", ["rotation"]),
        ("SELECT * FROM dblink('c', 'SELECT person_id FROM WIDE') AS t(a int);", ["person_id"]),
        ("SELECT query_to_xml('SELECT rotation FROM WIDE WHERE x = ''y''', true);", ["rotation"]),
        ("SELECT cron.schedule('x', $$DELETE FROM WIDE WHERE rotation_id < 3$$);", ["rotation_id"]),
        ("CREATE FOREIGN TABLE f (person_id bigint) SERVER s OPTIONS (table_name 'WIDE');", None),
        ("CREATE FOREIGN TABLE f (a bigint OPTIONS (column_name 'person_id')) SERVER s "
         "OPTIONS (table_name 'WIDE');", None),
        ("CREATE FUNCTION h(cm WIDE) RETURNS int LANGUAGE sql AS $$ SELECT $1.rotation $$;", None),
        ("CREATE FUNCTION h() RETURNS SETOF WIDE LANGUAGE sql AS $$ SELECT 1 $$;", None),
        ("CREATE TABLE z (a WIDE);", None),
        ("SELECT r.rotation FROM jsonb_populate_recordset(NULL::WIDE, '[]') r;", None),
        ("SELECT CAST(x AS WIDE) FROM y;", None),
        ("DO $$ DECLARE r WIDE; BEGIN r.rotation := 1; END $$;", None),
        ("SELECT format('SELECT %I FROM WIDE', 'person_id');", None),
        ("SELECT row_to_json(cm)->>'person_id' FROM WIDE cm;", None),
        ("SELECT {{ dbt_utils.star(from=ref('WIDE')) }} FROM {{ ref('WIDE') }};", None),
        ("{% set cols = ['person_id'] %} SELECT {{ cols | join }} FROM WIDE;", None),
        ("CREATE TRIGGER t AFTER UPDATE OF person_id ON WIDE EXECUTE FUNCTION f();", None),
        ("GRANT SELECT (person_id) ON WIDE TO x;", ["person_id"]),
        ("ALTER TABLE WIDE DROP COLUMN person_id;", ["person_id"]),
    ],
)  # fmt: skip
def test_every_way_to_name_a_column_in_sql_is_found_or_open(
    text: str, expected: list[str] | None, tmp_path: Path
) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path)
    if expected is None:
        assert outcome.references or any(note.open for note in outcome.notes)
    else:
        assert columns(outcome) == expected


@pytest.mark.parametrize(
    "text",
    [
        "TRUNCATE WIDE;",
        "GRANT SELECT ON WIDE TO x;",
        "SELECT 'WIDE'::regclass;",
        "COMMENT ON TABLE WIDE IS 'x';",
        "CREATE INDEX ON WIDE (id);",
        "SELECT id AS WIDE FROM x;",
        "SELECT WIDE.id FROM WIDE;",
        "ALTER TABLE x ADD FOREIGN KEY (a) REFERENCES WIDE (id);",
    ],
)
def test_statements_that_use_no_column_that_goes_leave_nothing_open(
    text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path)
    assert not outcome.references
    assert not any(note.open for note in outcome.notes), outcome.notes

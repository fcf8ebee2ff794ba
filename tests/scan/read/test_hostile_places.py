"""References in places that no list names: each is found, or its file is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scan.read.hostile_places import ELSEWHERE, PLACES, PUT_TOGETHER, STRINGS_OF_SQL, WIDE
from tests.scan.read.hostile_statements import STATEMENTS
from tests.scan.scan_text import scan_text

EVERY = [
    *PUT_TOGETHER.items(), *STRINGS_OF_SQL.items(), *PLACES.items(), *ELSEWHERE.items(),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), EVERY, ids=[name for name, _ in EVERY])
def test_a_reference_is_found_or_its_file_is_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert outcome.references or any(note.open for note in outcome.notes)


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_that_uses_the_table_is_found_or_open(text: str, tmp_path: Path) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path)
    assert outcome.references or any(note.open for note in outcome.notes)


HARMLESS = {
    "user.py": 'key = "person_" + name\nlabel = f"programme {name}"\n',
    "known.py": 'key = "curriculum_" + "id"\nother = "other" + "_membership"\n',
    "words.py": 'message = "No curriculum membership was found"\n',
    "private.py": "self._membership = None\n",
    "list.py": 'names = ["curriculum", "programme"]\n',
    "import.py": "from models import CurriculumMembership\n",
    "route.ts": "const path = '/curriculum-membership/' + id;\n",
    "arrow.php": "<?php $this->_membership = $x;\n",
    "other.sql": "SELECT rotation FROM tenant_membership;\n",
    "oid.sql": "SELECT to_regclass('WIDE'), pg_total_relation_size('WIDE');\n",
    "sequence.sql": "SELECT nextval('WIDE_id_seq');\n",
    "trigger.sql": "CREATE FUNCTION s() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN NEW.status := 'x'; RETURN NEW; END $$;\n"
    "CREATE TRIGGER t BEFORE INSERT ON WIDE FOR EACH ROW EXECUTE FUNCTION s();\n",
    "base64.txt": "aGVsbG8gd29ybGQsIHRoaXMgaXMgbm90aGluZw==\n",
    "grant.sql": "GRANT SELECT ON ALL TABLES IN SCHEMA public TO x;\n",
    "created.sql": "CREATE TABLE :t (id int);\n",
    "log.py": 'log(f"Copy {source} to {target}")\nlog(f"Table {name} was not found")\n',
    "escape.json": '{"t": "curriculum\\u002fmembership"}',
}


@pytest.mark.parametrize(("name", "text"), HARMLESS.items(), ids=list(HARMLESS))
def test_what_cannot_be_the_table_leaves_nothing_open(name: str, text: str, tmp_path: Path) -> None:
    outcome = scan_text(text.replace("WIDE", WIDE), tmp_path, name=name)
    assert not outcome.references
    assert not any(note.open for note in outcome.notes), outcome.notes

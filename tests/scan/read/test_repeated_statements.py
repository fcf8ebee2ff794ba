"""A statement that was read before is told at its own place, with what its own file puts in."""

from __future__ import annotations

from pathlib import Path

import pytest

from membership_refactor.consumers import Consumer, Macro
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.parse import tokens
from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.tokens import SqlText, marks
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve import analyse
from membership_refactor.scan.resolve.analyse import Analyser

WIDE = "curriculum_membership"
REPEATED = {
    "plain": f"SELECT person_id FROM {WIDE}",
    "text put in": f"SELECT id FROM {WIDE} WHERE ${{filter}} AND person_id = :id",
    "macro": f"SELECT MINE(person_id) FROM {WIDE}",
    "unknown macro": f"SELECT id FROM {WIDE} LOCKED_ROWS(person_id)",
    "escaped name": f'SELECT U&"person\\005fid" FROM {WIDE}',
    "LIMIT": f"SELECT rotation FROM {WIDE} ORDER BY id LIMIT 1",
    "other dialect": f"SELECT `person_id` FROM `{WIDE}`",
    "not parsed": f"SELECT person_id FROM {WIDE} WHERE ((",
}
CONSUMER = Consumer(name="one", macros=(Macro("MINE", ("c",), "coalesce(c, 0)"),))


def _scanner() -> FileScanner:
    return FileScanner(Analyser(SPLIT, Stage.INTERIM, CONSUMER), rewrite=True)


@pytest.mark.parametrize("kind", REPEATED)
def test_a_repeated_statement_is_told_as_if_it_were_the_first(kind: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.sql", tmp_path / "second.sql"
    first.write_text(f"{REPEATED[kind]};\n")
    second.write_text(f"-- another file\n\n  {REPEATED[kind]};\n{REPEATED[kind]};\n")
    scanner = _scanner()
    for _ in range(2):  # what comes twice is kept
        scanner.scan(first, "first.sql")
    again, alone = scanner.scan(second, "second.sql"), _scanner().scan(second, "second.sql")
    assert again == alone
    places = [*(r.place for r in again.references), *(n.place for n in again.notes)]
    assert {place.line for place in places} >= {3, 4}


def test_statements_are_forgotten_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyse, "_ROOM", 2_000)
    scanner, path = _scanner(), tmp_path / "many.sql"
    scanner.analyser._room = 2_000
    path.write_text("".join(f"SELECT person_id, {n} FROM {WIDE};\n" * 3 for n in range(500)))
    assert len(scanner.scan(path, "many.sql").references) == 1500
    assert scanner.analyser._kept
    assert sum(len(text) for text, *_ in scanner.analyser._kept) <= 2_000


ODD = """
SELECT E'it\\'s ; END', nameE'x', 'a''b', "Quoted END", $$ body; $$, $t$ BEGIN; $t$, .5e3, 5END, 5e3
  FROM a.b -- END; of line
  WHERE x->>'y' = :n AND y::text <> '%s' AND weekend <= ALL (ARRAY[1.5,-2]) /* CASE; */;
BEGIN; END IF; case when begin_ then ends end;
{{ ref('END;') }} ${x;} <<END>> e'\\'' \\copy a$b$ ; $b$
CA\u017fE insert$ INSERT. Values person_id$ Person_ID person_id.x
"person_id".y \u00e9end end\u00e9 E ';' b;
"""
WORDS = frozenset({"person_id", "insert", "values"})


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_no_token_is_lost_where_other_words_are_passed_over(dialect: str) -> None:
    sql = SqlText(Placed.at(ODD), dialect)
    kinds = ("comment", "string", "dollar", "hole", "jinja", "quoted")

    def told(words: frozenset[str] | None) -> list[object]:
        every = sql.every_token(words=words)
        return [t for t in every if t.kind in kinds or t.text == ";" or t.text.lower() in WORDS]

    assert told(WORDS) == told(None)


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_a_text_is_cut_at_the_same_places_as_letter_by_letter(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = list(marks(ODD, dialect, ";"))
    monkeypatch.setattr(tokens, "_NO_MARK", "")
    assert cut == list(marks(ODD, dialect, ";"))
    assert len(cut) > 5

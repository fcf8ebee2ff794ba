"""No file takes long: long lines, dumps, sums of thousands of texts, deep indentation."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from membership_refactor.scan.findings.values import FileOutcome
from tests.benchmarks.usual_seconds import usual_seconds
from tests.scan.scan_text import columns, scan_text

WIDE = "curriculum_membership"
SQL = f"SELECT person_id FROM {WIDE}"

LONG = {
    "line.js": "var a=1;" * 60_000 + f'q="{SQL}";' + "f(b,'c');" * 50_000,
    "line.json": f'{{"q":"{SQL}","r":[' + ",".join(['{"a":1,"b":"text"}'] * 50_000) + "]}",
    "line.sql": f"{SQL} WHERE id IN (" + ",".join(map(str, range(100_000, 240_000))) + ");",
    "sum.java": f'class A {{ String q = "SELECT person_id"{" + " + chr(34) + ", a" + chr(34)}'
    + ' + ", 1"\n' * 10_000
    + f'+ " FROM {WIDE}"; }}',
    "grows.py": "q = 'SELECT person_id'\n" + "q += ', 1'\n" * 5_000 + f"q += ' FROM {WIDE}'\n",
    "indent.py": "q = '''" + " " * 400_000 + f"{SQL}'''",
    "lines.kt": 'val q = """' + "\n" * 200_000 + f'{SQL}"""',
    "comments.sql": "-- c\n" * 100_000 + f"{SQL};",
    "comment.sql": "/*" + "x" * 900_000 + f"*/ {SQL};",
    "quotes.sql": "SELECT '" + "''" * 200_000 + f"' AS x, person_id FROM {WIDE};",
}


@pytest.mark.parametrize("name", LONG)
def test_a_file_of_a_megabyte_takes_less_than_two_seconds(name: str, tmp_path: Path) -> None:
    found: list[FileOutcome] = []
    assert usual_seconds(lambda: found.append(scan_text(LONG[name], tmp_path, name=name)), 2) < 2
    outcome = found[0]
    assert columns(outcome) == ["person_id"]
    assert not any(note.open for note in outcome.notes)


MANY: dict[str, Callable[[int], str]] = {
    "columns": lambda n: f"SELECT {_listed('cm.rotation AS r{}', n)} FROM {WIDE} cm",
    "ids": lambda n: f"SELECT {_listed('cm.id AS r{}', n)}, rotation FROM {WIDE} cm",
    "conditions": lambda n: f"SELECT id FROM {WIDE} WHERE {_listed('person_id = {}', n, ' OR ')}",
    "branches": lambda n: (
        f"SELECT CASE {_listed('WHEN person_id = {} THEN rotation', n, ' ')} END FROM {WIDE}"
    ),
    "grouped": lambda n: f"SELECT id, {_listed('rotation AS r{}', n)} FROM {WIDE} GROUP BY id",
    "sources": lambda n: _listed(
        f"SELECT rotation FROM {WIDE} WHERE id = {{}}", n // 4, " UNION ALL "
    ),
    "whole rows": lambda n: (
        "SELECT 1 WHERE "
        + _listed(f"EXISTS (SELECT * FROM {WIDE} WHERE person_id = {{}})", n // 4, " OR ")
    ),
}


def _listed(text: str, count: int, between: str = ", ") -> str:
    return between.join(text.format(number) for number in range(count))


@pytest.mark.parametrize("kind", MANY)
def test_eight_times_as_many_references_do_not_take_sixteen_times_as_long(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    gc.disable()  # what other tests have left would be looked through again and again
    request.addfinalizer(gc.enable)

    def seconds(number: int) -> float:
        started = time.process_time()
        outcome = scan_text(MANY[kind](number), tmp_path, rewrite=True)
        assert outcome.references
        assert [rewritten.reason for rewritten in outcome.rewrites] == [""]
        return time.process_time() - started

    seconds(100)
    # What came before is not read again, so the two are not the same.
    assert seconds(2400) < 16 * min(seconds(300), seconds(304))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        f"INSERT INTO {WIDE} (id, rotation) VALUES "
        + ",".join(f"({i},'rotation {i}')" for i in range(140_000)) + ";",
        f"CREATE TABLE {WIDE} (id bigint, rotation text);\nCOPY {WIDE} (id, rotation) FROM stdin;\n"
        + "".join(f"{i}\trotation of row {i}\n" for i in range(200_000)) + "\\.\n",
    ],
    ids=["insert", "copy"],
)  # fmt: skip
def test_rows_of_data_are_read_in_seconds(text: str, tmp_path: Path) -> None:
    found: list[FileOutcome] = []
    assert usual_seconds(lambda: found.append(scan_text(text, tmp_path)), 10) < 10
    outcome = found[0]
    assert set(columns(outcome)) == {"rotation"}
    assert not any(note.open for note in outcome.notes)


def test_sql_in_rows_of_data_is_still_found(tmp_path: Path) -> None:
    rows = ",".join(f"({i},'name {i}')" for i in range(3_000))
    text = f"INSERT INTO report (id, q) VALUES {rows},(1,'{SQL}');"
    assert columns(scan_text(text, tmp_path)) == ["person_id"]
    copied = f"COPY report (id, q) FROM stdin;\n1\t{SQL}\n\\.\n"
    outcome = scan_text(copied, tmp_path)
    assert outcome.references or any(note.open for note in outcome.notes)


@pytest.mark.parametrize("name", ["deep.py", "self.py"])
def test_what_is_nested_too_deeply_is_open(name: str, tmp_path: Path) -> None:
    from membership_refactor.consumers import DEFAULT
    from membership_refactor.planning import Stage
    from membership_refactor.plans.programme_membership import SPLIT
    from membership_refactor.scan.run import Request, scan

    text = {
        "deep.py": f"x = {'(' * 3000}'{SQL}'{')' * 3000}",
        "self.py": "q = 'SELECT person_id'\n" + "q = q + ', id'\n" * 2000
        + f"q = q + ' FROM {WIDE}'\n",
    }[name]  # fmt: skip
    (tmp_path / name).write_text(text)
    request = Request(plan=SPLIT, stage=Stage.INTERIM, consumers=(DEFAULT,), paths=(tmp_path,))
    (consumer,) = scan(request).consumers
    assert consumer.open == 1 and not consumer.clear

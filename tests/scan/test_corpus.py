"""The annotated corpus: what a scan finds, by statement and column and by occurrence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.scan.corpus_reader import Annotated, Score, corpus, scanned

CORPUS = corpus()


def _name(statement: Annotated) -> str:
    return f"{statement.group}-{statement.name}"


def test_the_corpus_has_at_least_eighty_statements_of_three_kinds() -> None:
    assert len(CORPUS) >= 80
    assert {"mysql", "postgres", "jpql"} <= {statement.group for statement in CORPUS}
    assert len({_name(statement) for statement in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("statement", CORPUS, ids=_name)
def test_every_annotated_occurrence_is_found_and_nothing_else(
    statement: Annotated, tmp_path: Path
) -> None:
    found = Counter(reference.column for reference in scanned(statement, tmp_path).references)
    assert found == Counter(statement.expected)


def test_precision_and_recall_of_certain_references_are_at_least_98_percent(
    tmp_path: Path,
) -> None:
    pairs, occurrences = Score(), Score()
    for statement in CORPUS:
        references = scanned(statement, tmp_path).references
        certain = Counter(r.column for r in references if r.certain)
        expected = Counter(statement.expected)
        occurrences.add(expected, certain)
        pairs.add(Counter(set(expected)), Counter(set(certain)))
    for score in (pairs, occurrences):
        assert score.precision >= 0.98
        assert score.recall >= 0.98


@pytest.mark.parametrize("statement", [s for s in CORPUS if s.expected], ids=_name)
def test_every_reference_stands_where_the_word_stands(statement: Annotated, tmp_path: Path) -> None:
    lines = statement.text.splitlines()
    for reference in scanned(statement, tmp_path).references:
        place = reference.place
        rest = lines[place.line - 1][place.column - 1 :]
        if reference.column != "*":
            assert rest.lower().lstrip('`"').startswith(reference.written.lower().strip('`"'))

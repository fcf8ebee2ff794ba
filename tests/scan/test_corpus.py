"""The annotated corpus: what a scan finds, by statement and column and by occurrence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.scan.corpus_reader import Annotated, Score, corpus, scanned

CORPUS = corpus()


def _name(statement: Annotated) -> str:
    return f"{statement.group}-{statement.name}"


def test_the_corpus_has_at_least_250_statements_of_three_kinds() -> None:
    assert len(CORPUS) >= 250
    assert {"mysql", "postgres", "jpql"} <= {statement.group for statement in CORPUS}
    assert len({_name(statement) for statement in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("statement", CORPUS, ids=_name)
def test_every_annotated_occurrence_is_found_and_nothing_else(
    statement: Annotated, tmp_path: Path
) -> None:
    found = Counter(reference.column for reference in scanned(statement, tmp_path).references)
    assert found == Counter(statement.expected)


def test_precision_and_recall_by_occurrence_are_at_least_99_percent(tmp_path: Path) -> None:
    pairs, occurrences, certain_ones = Score(), Score(), Score()
    for statement in CORPUS:
        references = scanned(statement, tmp_path).references
        every = Counter(r.column for r in references)
        certain = Counter(r.column for r in references if r.certain)
        expected = Counter(statement.expected)
        occurrences.add(expected, every)
        certain_ones.add(expected, certain)
        pairs.add(Counter(set(expected)), Counter(set(certain)))
    assert min(occurrences.precision, occurrences.recall) >= 0.99
    for score in (pairs, certain_ones):
        assert min(score.precision, score.recall) >= 0.98


@pytest.mark.parametrize("statement", [s for s in CORPUS if s.expected], ids=_name)
def test_every_reference_stands_where_the_word_stands(statement: Annotated, tmp_path: Path) -> None:
    lines = statement.text.splitlines()
    for reference in scanned(statement, tmp_path).references:
        place = reference.place
        rest = lines[place.line - 1][place.column - 1 :]
        if reference.column != "*":
            assert rest.lower().lstrip('`"').startswith(reference.written.lower().strip('`"'))

"""Hosted: a fragment read inside the statements that it is put into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.scan.findings.collect import Reporter
from membership_refactor.scan.findings.dangers import wide
from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.fill_templates import mask
from membership_refactor.scan.parse.placed_text import Placed, joined
from membership_refactor.scan.parse.tokens import significant
from membership_refactor.scan.read.piece import Piece
from membership_refactor.scan.read.sql_file import statements
from membership_refactor.scan.resolve.analyse import Analyser

ELSEWHERE = -1
"""The place of text that stands in another file."""


def in_hosts(
    fragment: Placed, hosts: Sequence[Path], analyser: Analyser, reporter: Reporter
) -> None:
    """The fragment's references, resolved in each statement that has a hole for it."""
    dialect = analyser.consumer.dialect
    found = False
    for path in hosts:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            reporter.note(0, Look.FRAGMENT, f"its host {path} cannot be read: {error.strerror}")
            continue
        for whole in _combined(text, fragment, analyser):
            found = True
            piece = Piece(placed=whole, dialect=dialect, host="sql", editable=False)
            reporter.outcome.statements += 1
            for analysed in analyser.analyse(whole, dialect):
                reporter.statement(analysed, piece)
                resolution = analysed.resolution
                for binding in resolution.bindings if resolution is not None else ():
                    offset = analysed.placed.place(binding.start)
                    source = binding.source
                    if (
                        offset != ELSEWHERE
                        and binding.qualifier is None
                        and source is not None
                        and wide(source)
                    ):
                        reporter.danger(
                            offset,
                            "ambiguous",
                            f"{binding.name} is unqualified in a fragment: ambiguous as soon as "
                            f"{path.name} joins the parent",
                        )
    if not found:
        view = analyser.view(dialect)
        piece = Piece(placed=fragment, dialect=dialect, host="sql", fragment=True)
        reporter.fragment(piece, view)


def _combined(text: str, fragment: Placed, analyser: Analyser) -> Iterator[Placed]:
    dialect = analyser.consumer.dialect
    for statement in statements(Placed.at(text), dialect):
        masked = mask(statement, dialect, analyser.consumer.macros)
        spots = {hole.offset for hole in masked.holes if hole.free}
        spots |= {macro.offset for macro in masked.macros}
        if not spots:
            continue
        parts: list[Placed] = []
        last = 0
        for token in significant(statement.text, dialect):
            if statement.place(token.start) in spots:
                parts += [_elsewhere(statement.text[last : token.start]), fragment]
                last = token.end
        parts.append(_elsewhere(statement.text[last:]))
        yield joined(parts)


def _elsewhere(text: str) -> Placed:
    return Placed(text, [ELSEWHERE] * (len(text) + 1))

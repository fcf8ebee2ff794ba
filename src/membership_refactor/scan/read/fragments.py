"""Read a fragment inside the statements that it is put into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.by_word import collect_fragment, collect_unparsed
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.parse.fill_templates import expanded, filled
from membership_refactor.scan.parse.piece import Look, Piece, Placed, joined
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.read.sql_file import statements
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, Unparsed

ELSEWHERE = -1
"""The offset of text that stands in another file."""


def collect_in_hosts(
    fragment: Placed, hosts: Sequence[Path], analyser: Analyser, collector: Collector
) -> None:
    """Resolve the fragment in each statement that has a hole for it."""
    dialect = analyser.consumer.dialect
    found = False
    for path in hosts:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            collector.note(0, Look.FRAGMENT, f"its host {path} cannot be read: {error.strerror}")
            continue
        for whole in _combined(text, fragment, analyser.consumer):
            found = True
            collector.outcome.statements += 1
            for analysed in analyser.analyse(whole, dialect):
                if isinstance(analysed, Unparsed):
                    collect_unparsed(collector, analysed)
                else:
                    piece = Piece(placed=whole, dialect=dialect, editable=False)
                    collector.statement(analysed, piece)
                    _ambiguous(analysed, collector, path.name)
    if not found:
        collect_fragment(collector, SqlText(fragment, dialect), analyser.view(dialect))


def _ambiguous(analysed: Analysed, collector: Collector, host: str) -> None:
    for binding in analysed.resolution.bindings:
        if binding.qualifier is None and binding.source.wide:
            collector.danger(
                analysed.placed.place(binding.start),
                "ambiguous",
                f"{binding.name} has no qualifier in this fragment. It becomes ambiguous when "
                f"{host} joins the parent",
            )


def _combined(text: str, fragment: Placed, consumer: Consumer) -> Iterator[Placed]:
    """Yield each statement of a host with the fragment in the place of its holes."""
    for statement in statements(Placed.at(text), consumer.dialect):
        sql = SqlText(statement, consumer.dialect)
        template = filled(expanded(sql, consumer.macros))
        spots = {hole.offset for hole in template.holes if hole.free}
        spots |= {macro.offset for macro in template.macros}
        parts: list[Placed] = []
        last = 0
        for token in sql.tokens if spots else ():
            if statement.place(token.start) in spots:
                own = Placed.made(statement.text[last : token.start], ELSEWHERE)
                parts += [own, fragment]
                last = token.end
        if parts:
            yield joined([*parts, Placed.made(statement.text[last:], ELSEWHERE)])

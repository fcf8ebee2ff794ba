"""Find mentions of columns by words alone, where a text is no statement that parses.

The answer is unsure and wide, so that nothing is missed in silence. A fragment is read inside the
statements that it is put into, where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.parse.fill_templates import expanded, filled, keywords
from membership_refactor.scan.parse.piece import Look, Piece, Placed, joined
from membership_refactor.scan.parse.tokens import SqlText, Token
from membership_refactor.scan.read.sql_file import statements
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, Unparsed
from membership_refactor.scan.resolve.tables_as_spelled import TableView, View
from membership_refactor.scan.resolve.tables_at_stage import Role


def collect_unparsed(collector: Collector, found: Unparsed) -> None:
    """Report what a statement mentions that could not be parsed."""
    why = "the statement could not be parsed"
    tables = _collect(
        collector, found.filled.sql, found.view, Look.UNPARSED, message=found.failure, why=why
    )
    for hole in found.filled.holes if tables else ():
        collector.note(hole.offset, Look.HOLE, f"text is put in at run time: {hole.text}")
    for macro in found.filled.macros if tables else ():
        collector.arguments(macro, tables)


def collect_fragment(collector: Collector, sql: SqlText, view: View) -> None:
    """Report a part of a statement whose host is not known, judged against every table."""
    every = [t for t in view.every_table if t.table.going and t.role is not Role.RETIRED]
    message = "only a part of a statement: the rest is not known. Declare it as a fragment"
    why = "it is in a fragment without a known host"
    _collect(collector, sql, view, Look.FRAGMENT, message=message, why=why, otherwise=every)


def _collect(
    collector: Collector, sql: SqlText, view: View, look: Look, *,
    message: str, why: str, otherwise: Sequence[TableView] = (),
) -> list[TableView]:  # fmt: skip
    """Report every name that may be one of the named tables' columns; those tables.

    Where no table is named, it is judged against ``otherwise``.
    """
    named = _tables_in(sql, view)
    every = list({id(table): table for table in named.values()}.values())
    at = sql.placed.place(sql.body[0])
    if named:
        collector.note(at, look, message)
        collector.account(sql, named)
    for index, token, word in _words(sql, view):
        tables = every or (otherwise if word in view.searched_words else ())
        if every and index >= 2 and sql.tokens[index - 1].text == ".":
            qualified = named.get(_name_of(sql.tokens[index - 2]).lower())
            tables = [qualified] if qualified is not None else []
        if any(table.going(word) for table in tables):
            collector.note(at, look, message)
            collector.word(word, sql.placed.place(token.start), token.text, tables, why=why)
    return every


def _words(sql: SqlText, view: View) -> Iterator[tuple[int, Token, str]]:
    """Yield every name with its index among the tokens and in its folded form."""
    for index, token in enumerate(sql.tokens):
        if token.kind in ("word", "quoted"):
            yield index, token, view.fold(_name_of(token), quoted=token.kind == "quoted")


def _tables_in(sql: SqlText, view: View) -> dict[str, TableView]:
    """Alias or name to the plan's table, as far as words tell."""
    found, named = sql.tokens, {}
    for index, token, word in _words(sql, view):
        table = view.tables.get(word)
        if table is None:
            continue
        named[_name_of(token).lower()] = table
        after = [t for t in found[index + 1 : index + 3] if t.word != "AS"]
        if after and after[0].kind in ("word", "quoted") and after[0].word not in keywords():
            named[_name_of(after[0]).lower()] = table
    return named


def _name_of(token: Token) -> str:
    return token.text[1:-1] if token.kind == "quoted" else token.text


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

"""Unaccounted: words of the plan that a plain search finds and the parser did not report."""

from __future__ import annotations

from collections import defaultdict

from membership_refactor.scan.findings.collect import Reporter
from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import tokens
from membership_refactor.scan.read.embedded_sql import WORDS, Interest


def unaccounted(
    placed: Placed, dialect: str, interest: Interest, reporter: Reporter, *, reason: str = ""
) -> None:
    """One note per reason: what a person should look at, and why it was not reported."""
    table, column = interest.in_text(placed.text)
    if not table:
        return
    if reason:
        _note(
            reporter,
            reason,
            [
                (m[0], m.start())
                for m in WORDS.finditer(placed.text)
                if m[0].lower() in interest.tables or m[0].lower() in interest.going
            ],
        )
        return
    if not column:
        return
    if dialect == "program":
        left = [
            (m[0], m.start())
            for m in WORDS.finditer(placed.text)
            if m[0].lower() in interest.going and m.start() not in reporter.accounted
        ]
        _note(reporter, "outside of SQL, or in SQL that names no table of the plan", left)
        return
    if all(
        match[0].lower() not in interest.going or match.start() in reporter.accounted
        for match in WORDS.finditer(placed.text)
    ):
        return
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for token in tokens(placed.text, dialect):
        if token.kind in ("comment", "string"):
            for match in WORDS.finditer(token.text):
                at = token.start + match.start()
                if match[0].lower() in interest.going and at not in reporter.accounted:
                    found[f"in a {token.kind}"].append((match[0], at))
        elif token.kind in ("word", "quoted"):
            word = token.text.strip('`"').lower()
            if word in interest.going and token.start not in reporter.accounted:
                found["of no table of the plan, as far as can be told"].append(
                    (token.text, token.start)
                )
        elif token.kind in ("dollar", "hole", "jinja"):
            for match in WORDS.finditer(token.text):
                at = token.start + match.start()
                if match[0].lower() in interest.going and at not in reporter.accounted:
                    found["in a body or template"].append((match[0], at))
    for why, left in found.items():
        _note(reporter, why, left)


def _note(reporter: Reporter, why: str, left: list[tuple[str, int]]) -> None:
    if not left:
        return
    words = list(dict.fromkeys(word for word, _ in left))
    shown = ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
    times = "once" if len(left) == 1 else f"{len(left)} times"
    lines = list(dict.fromkeys(str(reporter.place(at).line) for _, at in left))
    where = ", ".join(lines[:8]) + (" …" if len(lines) > 8 else "")
    reporter.note(left[0][1], Look.TEXT, f"{shown}: {times} {why} (line {where})")

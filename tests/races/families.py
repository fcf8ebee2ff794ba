"""What has to hold between parents and children from 0008 on, asked without the product's text."""

from __future__ import annotations

from tests.races.tables import NAMES, PLAN, query


def _row(alias: str) -> str:
    return f"ROW({', '.join(f'{alias}.{c}' for c in (*PLAN.key, *PLAN.parent_values))})::record"


def assert_families(url: str, *, values: bool = True, childless: bool = False) -> None:
    """Every child has a parent and, with ``values``, says the same; no parent that the tool made
    is alone unless it is listed, or ``childless`` says that nobody collects them."""
    asked = [
        "SELECT c.id::text, 'no parent' FROM s.narrow AS c LEFT JOIN s.wide AS p"
        " ON p.uuid = c.parent_uuid WHERE p.uuid IS NULL",
        f"SELECT min(p.uuid::text), 'one key twice' FROM s.wide AS p GROUP BY {', '.join(PLAN.key)}"
        " HAVING count(*) > 1",
    ]
    if values:
        asked.append(
            "SELECT c.id::text, 'apart' FROM s.narrow AS c JOIN s.wide AS p"
            f" ON p.uuid = c.parent_uuid WHERE {_row('c')} *<> {_row('p')}"
        )
    if not childless:
        asked.append(
            "SELECT p.uuid::text, 'abandoned' FROM s.wide AS p WHERE substr(p.uuid::text, 15, 1)"
            " = '8' AND NOT EXISTS (SELECT FROM s.narrow AS c WHERE c.parent_uuid = p.uuid)"
            f" AND NOT EXISTS (SELECT FROM {NAMES.own('emptied')} AS e WHERE e.uuid = p.uuid)"
        )
    wrong = [row for text in asked for row in query(url, text)]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:8]}"

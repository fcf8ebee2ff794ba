"""Names as PostgreSQL prints them in definitions: quoted only where necessary."""

from __future__ import annotations

import re

from membership_refactor.sql.quoting import ident

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# quote_identifier() quotes every keyword that pg_get_keywords() does not call unreserved.
_KEYWORDS = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
    boolean both case cast char character check coalesce collate collation column concurrently
    constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user dec decimal default deferrable desc distinct do
    else end except exists extract false fetch float for foreign freeze from full grant greatest
    group grouping having ilike in initially inner inout int integer intersect interval into is
    isnull join lateral leading least left like limit localtime localtimestamp national natural
    nchar none normalize not notnull null nullif numeric offset on only or order out outer
    overlaps overlay placing position precision primary real references returning right row
    select session_user setof similar smallint some substring symmetric table tablesample then
    time timestamp to trailing treat trim true union unique user using values varchar variadic
    verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest
    xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
"""
_QUOTED_WORDS = frozenset(_KEYWORDS.split())


def printed(name: str) -> str:
    """``name`` as pg_get_constraintdef and pg_get_indexdef write it."""
    return name if _PLAIN.fullmatch(name) and name not in _QUOTED_WORDS else ident(name)


def printed_in(schema: str, name: str) -> str:
    """``schema.name`` as PostgreSQL writes it under an empty search_path."""
    return f"{printed(schema)}.{printed(name)}"

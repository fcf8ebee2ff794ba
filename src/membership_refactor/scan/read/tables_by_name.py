"""Find the calls, attributes and options by which a program may take any table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from membership_refactor.scan.parse.piece import small

_TAKES = r"""
    (?: sql_?table | db(?:read|write)table | \b(?:tbl|knex|op\.(?:drop|rename)_table) | \.to_sql
      | saveastable | withtablename | \b(?:supabase|db)\.from | \bcopy_(?:records_)?to_table
      | \b(?:db|sql|sa|spark|session|knex|conn\w*|dsl|query)\b[\w.()]{0,60}(?:\.|->|::)table
      | \bsqlalchemy\.table | \bsequelize\.model | \bcopy_from_table | (?P<query>\bcopy_expert) )\(
  | (?:(?<=cur\.)|(?<=cursor\.)|(?<=con\.)|(?<=conn\.)|(?<=connection\.)|(?<=\(\)\.))
    copy_(?:from|to)\([^,()]{1,60},
  | \bmeta\w*\.tables(?:\[|\.get\() | \btable\((?=[^,()]+,\s*[\w.]*meta)
  | (?P<core>(?<![\w.$>:@\#[-])table\() | (?P<sequel>\bdb\[) | \bprisma\[ | dbtable["']\s*,
  | (?:\b(?:__tablename__|db_table|self\.table_name) | \bprotected\s+\$table)\s*=
  | \btablename\(\)\s*(?:string\s*)?\{\s*return\b | \bapps\.get_model\((?:["'][\w.]+["'],)?
  | \bgetattr\(\s*(?:[\w.]*\.)?(?:models|classes)\s*,
  | (?:@(?:[\w.]+\.)?(?:(?:secondary|join|collection)?table|(?:mapped)?entity) | \[table
      | \#\[orm\\+table)\s*\((?:\s*\{)?(?:[^()]{0,200}?\b(?:name|value|tablename)\s*[=:]
      | (?!\s*\w+\s*[=:](?!:)))
"""
"""What the name of a table follows."""
_NAME = r"""
    (?!\s*\w*con\w*\s*,\s*["'`])\s*(?:\w+\s*=\s*)?
    (?:[f$@]{0,2}["'`][{$\#%]
      | [$@&]*(?!self\b|nameof\b)(?P<name>[a-z_][\w.]*)(?:\s*[],)(+%|.[}]|::|[ \t]*[\n;]))
"""
"""A name that is no text."""
_QUERIED = r"""\.(?:objects|query|all|where|find\w*|count|pluck|first|last|create\w*|update\w*
    |destroy\w*|delete\w*|upsert|bulk\w*|joins|unscoped)\b"""
_BY_NAME = re.compile(
    rf"""(?:{_TAKES}){_NAME}
  | \bsorted_tables\b(?!`) | \bget_table_names\( | \bmeta\w*\.tables\.(?:values|items)\(
  | (?:\bconst_get\(\s*[a-z_][\w.]*\) | (?<=[\w)\]])\.(?:safe_)?constantize
      | \bmodels?\[[a-z_][\w.]*\] | \bglobals\(\)\[[a-z_]\w*\]){_QUERIED}
  | \bgetattr\([^()"'\n]{{1,60}},\s*[a-z_][\w.]*\)\.objects\b
  | (?:\b(?:pg_dump|pg_restore|vacuumdb|reindexdb|clusterdb)\b(?:[^\n;|&]|\\\n){{0,200}}?[\s"']-t
      | --table)
    (?:(?:["']\s*,\s*f?)?[=\s]*["']?[\w.]*[${{%] | ["']\s*,\s*[a-z_][\w.]*\s*[]),] | =["']\s*\+)
""",
    re.X,
)
"""What takes a table by a name which is no text, or takes every table."""
_SIGNS = (
    "tablename", "db_table", "self.table_name", "table(", "tables[", "tables.get(", "tables.values",
    "tables.items", "dbtable", "$table", "to_sql(", "tbl(", "knex(", "get_model(", "sorted_tables",
    "table_names(", ".from(", "copy_from(", "copy_to(", "copy_expert(", "db[", "prisma[", ".model(",
    "models,", "classes,", ").objects", "@entity(", "@mappedentity(", "const_get(", "constantize",
    "models[", "model[", "globals()[", "pg_dump", "pg_restore", "vacuumdb", "reindexdb",
    "clusterdb", "--table",
)  # fmt: skip
"""Without one of these there is nothing of the kind."""
_DEFINED = re.compile(r"\b(?:def|fun|func|function|fn|sub)\s+[\w.:]*\Z")
_GIVEN = (
    r"^[ \t]*(?:[\w.$]+[ \t]+){0,5}(?:\w+\.)*[$@]?(\w+)(?:[ \t]*:[ \t]*[\w\[\]]+)?[ \t]*(?::?=|<-)"
    r"[ \t]*"
)
_NAMES = re.compile(_GIVEN + r"[\"'`][\w.]+[\"'`]", re.M)
"""A name to which a line gives a text."""
_QUERIES = re.compile(_GIVEN + r"(?:\(\s*)?(?:\w{0,2}[\"'`]|(?:\w+\.)?sql\()", re.M)
"""A name to which a line gives SQL, which is read there."""


def tables_by_name(text: str) -> Iterator[tuple[int, str]]:
    """Yield where a program may take any table, and what to look at there.

    A name that the file gives a text to is known.
    """
    lower = small(text)
    found = list(_BY_NAME.finditer(lower)) if any(sign in lower for sign in _SIGNS) else []
    names, queries = (set(p.findall(lower)) if found else set() for p in (_NAMES, _QUERIES))
    for match in found:
        start, end = match.span()
        other = (match["core"] and "sqlalchemy" not in lower) or (
            match["sequel"] and not text.startswith("DB", start)
        )
        known = queries if match["query"] else names
        named = (match["name"] or "").rsplit(".", 1)[-1] in known
        if not (named or other or _DEFINED.search(lower, max(0, start - 60), start)):
            shown = re.split(r"[)\n]", text[start : end + 40])[0]
            yield start, f"a table is taken by a name that is put in at run time: {shown}"

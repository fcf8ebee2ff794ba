"""The source pg_stat_statements: every statement that succeeded, by role, while none is evicted."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.quoting import ident, literal
from membership_refactor.watch.server_marks import role_settings

NAME = "pg_stat_statements"
RANK = 3
CANNOT_SEE = (
    "the application, statements that failed, statements that still run, and what a superuser "
    "hides by turning it off as his session begins"
)
HIDDEN = "<insufficient privilege>"
"""The text in the place of other roles' statements."""

EXTENSION = """\
SELECT n.nspname::text, e.extversion,
  pg_catalog.current_setting('pg_stat_statements.track', true),
  pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'USAGE')
FROM (VALUES (1)) AS one (x)
LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"""
"""Schema and version of the extension, ``track`` where it is loaded, and the privilege."""

WANTED = {
    "pg_stat_statements.track": ("all",),
    "pg_stat_statements.track_utility": ("on",),
    "compute_query_id": ("on", "auto", "regress"),
}
"""Values of settings without which statements are missed."""

SETTINGS = """\
SELECT s.name, s.setting FROM pg_catalog.pg_settings AS s WHERE s.name IN (
  'pg_stat_statements.track', 'pg_stat_statements.track_utility', 'pg_stat_statements.save',
  'pg_stat_statements.max', 'compute_query_id')"""

OVERRIDES = role_settings("^(pg_stat_statements[.]track|compute_query_id)")
"""Who has other settings than the server."""


def info(schema: str) -> str:
    """SELECT of the marks that show a reset, a crash or an eviction."""
    return (
        "SELECT i.dealloc::pg_catalog.text, i.stats_reset::pg_catalog.text "
        f"FROM {ident(schema)}.pg_stat_statements_info AS i"
    )


def statements(schema: str, words: Iterable[str]) -> str:
    """SELECT of key, role, top level, calls and text of each statement in this database that may
    use the old structure: those with one of the words, with a name in Unicode escapes, or with a
    hidden or lost text."""
    any_word = "|".join(sorted({_pattern(word) for word in words}))
    return f"""\
SELECT pg_catalog.format('%s/%s/%s', s.userid, s.queryid, s.toplevel),
  coalesce(r.rolname::pg_catalog.text, pg_catalog.format('role %s (dropped)', s.userid)),
  s.toplevel, s.calls, s.query
FROM {ident(schema)}.pg_stat_statements AS s
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database())
  AND (s.query IS NULL OR s.query = {literal(HIDDEN)} OR s.query ~* {literal(any_word)}
    OR s.query ~* 'U&"|pg_stat_statements|compute_query_id')"""


def _pattern(word: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else f"\\{c}" for c in word.lower())


def missing(schema: str | None, version: str | None, track: str | None) -> str | None:
    """Why there is nothing to read, with what to do; None where there is."""
    if track is None:
        return (
            "pg_stat_statements is not loaded: add it to shared_preload_libraries and restart the "
            "server"
        )
    if schema is None:
        return "the extension is not there: CREATE EXTENSION pg_stat_statements;"
    if tuple(map(int, (version or "0").split(".")[:2])) < (1, 9):
        return "the extension is too old: ALTER EXTENSION pg_stat_statements UPDATE;"
    return None


def holes(
    settings: dict[str, str],
    overrides: Iterable[tuple[str, str]],
    *,
    sees_all: bool,
    hidden: int,
    lost: int,
) -> tuple[str, ...]:
    """Why the source sees too little at this moment."""
    found = [
        f"{name} is {settings.get(name, 'not known')}: set it to {wanted[0]}"
        for name, wanted in WANTED.items()
        if settings.get(name) not in wanted
    ]
    found += [
        f"{who} has its own {setting}: reset it"
        for who, setting in overrides
        if setting.partition("=")[2] not in WANTED.get(setting.partition("=")[0], ())
    ]
    if not sees_all or hidden:
        found.append(
            "the statements of other roles are hidden: grant pg_read_all_stats to the role that "
            "takes the samples"
        )
    if lost:
        found.append(f"the texts of {lost:,} statements are lost")
    return tuple(found)

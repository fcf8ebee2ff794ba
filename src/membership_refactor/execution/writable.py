"""Whether a login may write: a standby only reads, and so does a role or database set read-only."""

from __future__ import annotations

from membership_refactor.errors import NoDatabase
from membership_refactor.execution.sessions import Pg, run


def require_writable(pg: Pg) -> None:
    """Raise NoDatabase where this session, or every session of the login, may only read.

    A setting of the role or of the database is somebody's decision, so it is not overridden.
    """
    found = run(
        pg,
        "SELECT pg_catalog.pg_is_in_recovery(), (SELECT s.source FROM pg_catalog.pg_settings AS s\n"
        "WHERE s.name = 'default_transaction_read_only' AND s.setting = 'on')",
    ).fetchone()
    assert found is not None
    recovers, source = found
    if recovers:
        raise NoDatabase(
            "the server is a hot standby, which can only be read. Nothing was changed.",
            hint="Connect to the primary; changes reach the standby from there.",
        )
    if source is not None:
        raise NoDatabase(
            f'role "{pg.info.user}" may only read in database "{pg.info.dbname}": '
            f"default_transaction_read_only is on ({_PLACE.get(source, source)}). "
            "Nothing was changed.",
            hint="Connect as a role that may write, or turn the setting off there.",
        )


_PLACE = {
    "client": "set in the URL, PGOPTIONS or the service file",
    "user": "set by ALTER ROLE",
    "database": "set by ALTER DATABASE",
    "database user": "set by ALTER ROLE IN DATABASE",
    "configuration file": "set for the whole server",
    "command line": "set for the whole server",
    "session": "set in this session",
}
"""Where a setting comes from, by what pg_settings calls it."""

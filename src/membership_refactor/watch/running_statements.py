"""Read the statements that ran from pg_stat_statements, for a scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection

from membership_refactor.errors import RefactorError
from membership_refactor.scan.read.live_statements import Running
from membership_refactor.watch.pg_stat_statements import EXTENSION, HIDDEN, missing, statements


def running_statements(connection: Connection, words: Iterable[str]) -> Counter[Running]:
    """Read pg_stat_statements, with the number of calls. Raises RefactorError where it is not."""
    schema, version, track, _ = connection.exec_driver_sql(EXTENSION).one()
    if why := missing(schema, version, track):
        raise RefactorError("There are no statements to read.", hint=f"{why}.")
    found: Counter[Running] = Counter()
    query = statements(schema, words).replace("%", "%%")
    for _, role, _, calls, text in connection.exec_driver_sql(query):
        hidden = text is None or text == HIDDEN
        found[Running(role, "", None if hidden else text)] += calls
    return found

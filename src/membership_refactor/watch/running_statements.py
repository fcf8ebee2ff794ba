"""Read the statements that ran from pg_stat_statements or from a log, for a scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.scan.read.catalog import Running
from membership_refactor.watch.pg_stat_statements import EXTENSION, HIDDEN, missing, statements
from membership_refactor.watch.server_log import read_records

_BLOCK = 1 << 24
"""So many bytes of a log are read at once."""


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


def from_log(path: Path) -> Counter[Running]:
    """Read a log in CSV or JSON. Raises WrongUse for any other file."""
    found: Counter[Running] = Counter()
    rest, known, broken = b"", 0, 0
    try:
        with path.open("rb") as file:
            as_csv = file.read(1) != b"{"
            file.seek(0)
            while block := file.read(_BLOCK):
                read = read_records(rest + block, as_csv=as_csv)
                rest = (rest + block)[read.length :]
                known, broken = known + len(read.records), broken + read.broken
                found.update(Running(r.role, r.application, r.text) for r in read.records if r.text)
    except OSError as error:
        raise WrongUse(
            f"The log {path} cannot be read: {error.strerror}.",
            hint="Run the command as a user who may read it, or copy the file.",
        ) from None
    if not known and (broken or rest):
        raise WrongUse(
            f"{path} is not a log in CSV or JSON.", hint="Set log_destination to csvlog or jsonlog."
        )
    if broken:
        found[Running("", "", None)] += broken
    return found

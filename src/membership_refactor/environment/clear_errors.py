"""Turns what goes wrong under Alembic into one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from membership_refactor.errors import RefactorError
from membership_refactor.execution.server_errors import of_server


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what goes wrong in the block into Alembic's CommandError: one line, status 255."""
    try:
        yield
    except RefactorError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("interrupted. The open transaction was rolled back.") from error
    except DBAPIError as error:
        raise CommandError(of_server(error.orig or error)) from error
    except PendingRollbackError as error:
        raise CommandError(of_lost_connection(error)) from error
    except psycopg.Error as error:
        raise CommandError(of_server(error)) from error
    except PoolTimeout as error:
        raise CommandError(
            "the pool of the engine that was handed to Alembic has no second connection, and the "
            "steps need some. Hand over an Engine with poolclass=NullPool."
        ) from error
    except OSError as error:
        if error.filename is not None:
            raise CommandError(of_output(error)) from error
        # Alembic says what failed on standard output, which is what cannot be written.
        print(f"FAILED: {of_output(error)}", file=sys.stderr)
        raise SystemExit(255) from None


def of_lost_connection(error: PendingRollbackError) -> str:
    """Describe in one line why Alembic's connection is gone. Alembic used it once more since then,
    which hides the first error behind another one."""
    first: BaseException | None = error
    while first is not None and not isinstance(first, DBAPIError | RefactorError | psycopg.Error):
        first = first.__context__
    if isinstance(first, DBAPIError):
        return of_server(first.orig or first)
    if first is not None:
        return str(first) if isinstance(first, RefactorError) else of_server(first)
    return "the connection is lost on which Alembic writes the version. Run the same command again."


def of_output(error: OSError) -> str:
    """Describe in one line a file that cannot be used, or an output that cannot be written.

    Standard output is closed off then, so that the interpreter's last flush cannot fail again.
    """
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"the output could not be written: {error.strerror}."

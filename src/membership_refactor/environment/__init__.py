"""What an env.py needs: read the -x options, find the database and the schema, run the revisions.

The shipped ``alembic/env.py`` calls ``run``. An env.py of your own may call ``request_from``
instead, and hand the result to ``context.configure(..., refactor=request)``.
"""

from membership_refactor.environment.clear_errors import clear_errors, of_output
from membership_refactor.environment.find_database import (
    bound_or_found,
    configured_url,
    connect_engine,
    find_engine,
    silence_driver,
)
from membership_refactor.environment.request import (
    Request,
    guest_request,
    request_from,
    x_values,
)
from membership_refactor.environment.run_revisions import Head, included, migrate, run

__all__ = [
    "Head",
    "Request",
    "bound_or_found",
    "clear_errors",
    "configured_url",
    "connect_engine",
    "find_engine",
    "guest_request",
    "included",
    "migrate",
    "of_output",
    "request_from",
    "run",
    "silence_driver",
    "x_values",
]

"""Find or start a database: named by the user, in a container, on this machine, or embedded."""

from membership_refactor.database.binaries import (
    Binaries,
    ClientProgram,
    client_programs,
    of_the_wheel,
    on_this_machine,
)
from membership_refactor.database.choose import (
    Choice,
    choose_for_application,
    server_for_tests,
    source_for_tests,
)
from membership_refactor.database.databases import create_database, drop_database, has_database
from membership_refactor.database.embedded import kept, stop_kept
from membership_refactor.database.examination import Examined, examine, explain
from membership_refactor.database.launcher import LaunchedServer, launch
from membership_refactor.database.server import Server
from membership_refactor.database.url import (
    libpq_url,
    normalise_url,
    with_database,
    without_password,
)

__all__ = [
    "Binaries",
    "Choice",
    "ClientProgram",
    "Examined",
    "LaunchedServer",
    "Server",
    "choose_for_application",
    "client_programs",
    "create_database",
    "drop_database",
    "examine",
    "explain",
    "has_database",
    "kept",
    "launch",
    "libpq_url",
    "normalise_url",
    "of_the_wheel",
    "on_this_machine",
    "server_for_tests",
    "source_for_tests",
    "stop_kept",
    "with_database",
    "without_password",
]

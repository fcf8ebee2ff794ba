"""PostgreSQL in a container, where a Docker engine answers. Only tests use it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import psycopg

from membership_refactor.database.server import Server
from membership_refactor.database.url import libpq_url, normalise_url
from membership_refactor.errors import NoDatabase

IMAGE = "postgres:18"


def why_no_engine(*, seconds: float = 2) -> str | None:
    """Return None when a Docker engine answers within the time, or else the reason.

    Call it before importing testcontainers. That import takes over a second, and its container
    class waits for an engine for a minute.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        return "the docker package is not installed"
    try:
        client = docker.from_env(timeout=seconds)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return f"no Docker engine answers: {error}"
    return None


@contextlib.contextmanager
def contained(*, image: str = IMAGE, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server in a container until the block ends."""
    if reason := why_no_engine():
        raise NoDatabase(
            f"A container cannot be started: {reason}.",
            hint="Start Docker, or set DATABASE_URL.",
        )
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ImportError:
        raise NoDatabase(
            "A container cannot be started: testcontainers is not installed.",
            hint="Install it: pip install 'membership-refactor[test]'.",
        ) from None
    container = PostgresContainer(image, username="postgres", dbname="postgres", driver="psycopg")
    options = [word for name, text in (settings or {}).items() for word in ("-c", f"{name}={text}")]
    container.with_command(["postgres", *options])
    with container as running:
        url = normalise_url(running.get_connection_url())
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            version = connection.info.server_version
        yield Server(
            url=url,
            source=f"PostgreSQL {version // 10000} in a container of {image}",
            host=running.get_container_host_ip(),
            port=int(running.get_exposed_port(5432)),
            version=version,
        )

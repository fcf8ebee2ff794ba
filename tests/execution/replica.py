"""A streaming replica of a launched server, by pg_basebackup, for as long as a test needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from membership_refactor.database import LaunchedServer, of_the_wheel, on_this_machine
from membership_refactor.database.cluster import Cluster
from membership_refactor.database.unprivileged import server_account


@contextlib.contextmanager
def replica_of(primary: LaunchedServer) -> Iterator[str]:
    """The replica's URL; it is stopped and its folder removed afterwards with the primary's."""
    server = primary.server
    every = [*on_this_machine(), *filter(None, [of_the_wheel()])]
    binaries = next(b for b in every if b.version[0] == server.version // 10000)
    account = server_account()
    assert server.data is not None
    assert server.socket_folder is not None
    home = Path(server.data).parent
    data, socket, log = home / "replica", home / "r", home / "replica.log"
    data.mkdir(mode=0o700)
    account.own(data)
    log.touch()
    account.own(log)
    answer = account.run(
        [
            binaries.program("pg_basebackup"),
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--wal-method=stream",
            f"--pgdata={data}",
            f"--dbname=host={server.socket_folder} port={server.port} user=postgres "
            "application_name=replica_1",
        ]
    )
    assert answer.returncode == 0, answer.stderr
    cluster = Cluster(binaries, account, data=data, socket_folder=socket, log=log)
    cluster.start()
    try:
        url = make_url(server.url).set(query={"host": str(socket), "port": str(server.port)})
        yield url.render_as_string(hide_password=False)
    finally:
        cluster.stop("immediate")

"""A login that may act as the owner of a chain's tables, and has no other privilege."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import make_url

from membership_refactor.sql.quoting import ident
from tests.chain.driver import Chain

REFERENCES = ("person", "programme", "curriculum", "rotation", "training_number")


@dataclass(frozen=True)
class Deployer:
    """``chain`` connects as the login ``name``; the tables belong to ``owner``."""

    chain: Chain
    name: str
    owner: str


@contextmanager
def deployer(chain: Chain) -> Iterator[Deployer]:
    """Gives the tables to a new owner; a ledger that stands is dropped."""
    name, owner = f"d_{time.time_ns()}", f"o_{time.time_ns()}"
    database = chain.value("SELECT current_database()")
    chain.run(
        f"CREATE ROLE {owner}",
        f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {owner}",
        f"GRANT CREATE ON DATABASE {ident(database)} TO {owner}, {name}",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {owner}",
        "DROP SCHEMA IF EXISTS public_refactor CASCADE",
        *(
            f"ALTER TABLE public.{ident(t)} OWNER TO {owner}"
            for t in (chain.plan.source, *REFERENCES)
        ),
    )
    url = make_url(chain.url).set(username=name, password="secret")
    text = url.render_as_string(hide_password=False)
    yield Deployer(replace(chain, url=text), name, owner)
    chain.run(
        f"REASSIGN OWNED BY {owner}, {name} TO CURRENT_USER", f"DROP OWNED BY {owner}, {name}"
    )
    chain.run(f"DROP ROLE {name}", f"DROP ROLE {owner}")

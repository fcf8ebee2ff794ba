"""The scripts of `alembic --sql` that a project stores, and what they would be today."""

from __future__ import annotations

import copy
import io
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import psycopg
from alembic import command

from membership_refactor.catalog.read import read_portrait
from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from membership_refactor.planning.revisions import BASE
from membership_refactor.portrait.document import to_json
from membership_refactor.testing.plan_chain import PlanChain
from membership_refactor.testing.scratch_databases import Databases

SHOWN = 60
"""Lines of a difference that a message shows."""
STORE = "pytest --refactor --refactor-store"


class NotStored(RefactorError):
    """A stored script is not what is printed today."""


@dataclass(frozen=True, slots=True)
class StoredScripts:
    """The folder with the scripts of one plan in one schema."""

    chain: PlanChain
    folder: Path

    @property
    def portrait(self) -> Path:
        """The tables that the scripts are made for."""
        return self.folder / "portrait.json"

    def file(self, number: int, direction: str) -> Path:
        """The script of one revision in one direction."""
        return self.folder / f"{number:02}_{self.chain.places[number].revision}_{direction}.sql"

    def printed(self, number: int) -> Iterator[tuple[Path, str]]:
        """Each file of one revision, with the script as it is printed today."""
        place = self.chain.places[number]
        below = self.chain.below(place)
        yield self.file(number, "up"), self._sql("upgrade", f"{below}:{place.revision}")
        yield self.file(number, "down"), self._sql("downgrade", f"{place.revision}:{below}")

    def store(self, number: int, databases: Databases) -> None:
        """Write the scripts of one revision; the portrait too, where there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.portrait.exists():
            self.portrait.write_text(self._tables(databases), encoding="utf-8")
        for file, text in self.printed(number):
            file.write_text(text, encoding="utf-8")

    def compare(self, number: int) -> None:
        """Raise NotStored where a stored script is missing, or is not what is printed today."""
        if not self.portrait.exists():
            raise NotStored(f"{self.portrait} is missing.", hint=f"Store the scripts: {STORE}")
        for file, text in self.printed(number):
            if not file.exists():
                raise NotStored(f"{file} is missing.", hint=f"Store the scripts: {STORE}")
            stored = file.read_text(encoding="utf-8")
            if stored != text:
                raise NotStored(
                    f"{file} is not the script that is printed today:\n{_difference(stored, text)}",
                    hint=f"\nRead the difference, then store the scripts again: {STORE}",
                )

    def left_over(self) -> tuple[Path, ...]:
        """Scripts in the folder that no revision prints."""
        known = {
            self.file(number, direction)
            for number in range(1, len(self.chain.places))
            for direction in ("up", "down")
        }
        return tuple(sorted(set(self.folder.glob("*.sql")) - known))

    def _sql(self, verb: str, way: str) -> str:
        """What `alembic VERB WAY --sql` prints, by the project's own env.py."""
        config = copy.copy(self.chain.config)
        config.output_buffer = out = io.StringIO()
        config.cmd_opts = Namespace(x=[f"portrait={self.portrait}"])
        getattr(command, verb)(config, way.removeprefix(f"{BASE}:"), sql=True)
        return out.getvalue()

    def _tables(self, databases: Databases) -> str:
        chain = self.chain
        with (
            chain.database(databases, chain.places[0]) as url,
            psycopg.connect(libpq_url(url), autocommit=True) as pg,
        ):
            return to_json(read_portrait(pg, chain.schema, chain.plan.tables)) + "\n"


def _difference(stored: str, printed: str) -> str:
    lines = unified_diff(
        stored.splitlines(), printed.splitlines(), "stored", "printed today", lineterm="", n=2
    )
    shown = list(islice(lines, SHOWN + 1))
    more = "\n  (and more)" if len(shown) > SHOWN else ""
    return "\n".join(f"  {line}" for line in shown[:SHOWN]) + more

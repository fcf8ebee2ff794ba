"""The readers of the old structure, and the files in which a scan finds the SQL of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import errors

from membership_refactor.demo.writers import ROLE, statements_of

REPORTS, AUDIT, NOTEBOOK = "demo_reports", "demo_audit", "demo_notebook"
ROLES = (ROLE, REPORTS, AUDIT, NOTEBOOK)
CONSUMERS = {"application": ROLE, "reports": REPORTS, "audit": AUDIT}
"""The role of each. The notebook is nobody's consumer, so only the watch can find it."""
OF_SOURCE = "SELECT person_id, leaving_reason FROM programme_membership WHERE rotation IS NULL"
OF_COPY = OF_SOURCE.replace("programme_membership", "curriculum_membership")
OF_PARENT = OF_SOURCE
"""The same text again, because the parent has the name and these columns."""
OF_ARCHIVE = "SELECT rotation FROM programme_membership_retired WHERE person_id = 1"


@dataclass
class Readers:
    """Who reads at this moment by which statement, once a day."""

    dsn: str
    schema: str
    """As search_path has it."""
    reading: dict[str, str] = field(default_factory=dict)
    """By role."""

    def read(self) -> None:
        """Let each of them run its statement. A table that is gone stops nobody: an application
        would try again the next day."""
        for role, text in self.reading.items():
            with psycopg.connect(self.dsn, autocommit=True, user=role) as pg:
                pg.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (self.schema,))
                try:
                    pg.execute(text.encode())
                except errors.UndefinedTable:
                    continue

    def write_files(self, folder: Path, writers: Iterable[str]) -> Path:
        """Write the SQL of today's releases, and the list of the consumers. Return the list."""
        entries = []
        for name, statements in self._consumers(writers):
            (folder / name).mkdir(exist_ok=True)
            text = "".join(f"{statement};\n" for statement in statements)
            (folder / name / "statements.sql").write_text(text)
            entry = f'name = "{name}"\nroles = ["{CONSUMERS[name]}"]\npaths = ["{name}"]\n'
            entries.append(f"[[consumer]]\n{entry}")
        listed = folder / "consumers.toml"
        listed.write_text("\n".join(entries))
        return listed

    def _consumers(self, writers: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        yield "application", [s for kind in writers for s in statements_of(kind).values()]
        # A consumer that has stopped keeps its files: nothing in them uses the tables.
        for name, role in (("reports", REPORTS), ("audit", AUDIT)):
            yield name, [self.reading.get(role, "SELECT 1")]

"""Alembic's version table: who may read and write it. It belongs to whoever ran Alembic first."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.errors import NoDatabase
from membership_refactor.execution.sessions import Pg, as_oneself, may_become, run, value
from membership_refactor.sql.quoting import ident, literal, qualified

_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class VersionTable:
    """The table in which Alembic records the revision that a schema stands at."""

    schema: str
    name: str = "alembic_version"

    def versions(self, pg: Pg) -> tuple[str, ...]:
        """The ids in it; none where it is empty or not there.

        Read as the role of the session, or as the login. Raises NoDatabase where neither may.
        """
        if self._owner(pg) is None:
            return ()
        if self._allows(pg, "SELECT"):
            return self._read(pg)
        with as_oneself(pg):
            if self._allows(pg, "SELECT"):
                return self._read(pg)
            raise self._missing(pg, "SELECT")

    def acting_role(self, pg: Pg, *, writes: bool) -> str | None:
        """The role in which Alembic may use it; None for the login, as which ``pg`` acts.

        Raises NoDatabase where neither the login nor the table's owner can be used for that.
        """
        owner = self._owner(pg)
        needed = _WRITE if writes else ("SELECT",)
        if owner is None:
            if writes and not self._schema_allows(pg, "CREATE"):
                grant = f"GRANT USAGE, CREATE ON SCHEMA {ident(self.schema)}"
                raise self._may_not("create", pg, f"{grant} TO {ident(pg.info.user)};")
            return None
        if self._allows(pg, *needed):
            return None
        if may_become(pg, owner):
            return owner
        raise self._missing(pg, *needed)

    @property
    def _table(self) -> str:
        return qualified(self.schema, self.name)

    def _owner(self, pg: Pg) -> str | None:
        # Not to_regclass, which asks for USAGE on the schema.
        found: str | None = value(
            pg,
            "SELECT pg_catalog.pg_get_userbyid(c.relowner)::text FROM pg_catalog.pg_class AS c\n"
            "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
            f"WHERE n.nspname = {literal(self.schema)} AND c.relname = {literal(self.name)}",
        )
        return found

    def _allows(self, pg: Pg, *privileges: str) -> bool:
        table = literal(self._table)
        asked = (f"pg_catalog.has_table_privilege({table}, {literal(kind)})" for kind in privileges)
        return self._schema_allows(pg, "USAGE") and bool(value(pg, f"SELECT {' AND '.join(asked)}"))

    def _schema_allows(self, pg: Pg, privilege: str) -> bool:
        named = f"{literal(self.schema)}, {literal(privilege)}"
        return bool(value(pg, f"SELECT pg_catalog.has_schema_privilege({named})"))

    def _read(self, pg: Pg) -> tuple[str, ...]:
        rows = run(pg, f"SELECT version_num::text FROM {self._table} ORDER BY 1").fetchall()
        return tuple(row[0] for row in rows)

    def _missing(self, pg: Pg, *privileges: str) -> NoDatabase:
        login = ident(pg.info.user)
        verb = "write" if privileges == _WRITE else "read"
        use = f"GRANT USAGE ON SCHEMA {ident(self.schema)} TO {login}; "
        grant = f"GRANT {', '.join(privileges)} ON {self._table} TO {login};"
        return self._may_not(verb, pg, grant if self._schema_allows(pg, "USAGE") else use + grant)

    def _may_not(self, verb: str, pg: Pg, hint: str) -> NoDatabase:
        return NoDatabase(
            f'role "{pg.info.user}" may not {verb} {self._table}, in which Alembic records the '
            "version. Nothing was changed.",
            hint=hint,
        )

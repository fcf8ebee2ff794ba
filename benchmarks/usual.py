"""The usual recipe for a live table: keys first, row trigger, locked batches, batched link.

As it is found in guides: the copy has its indexes from the start, a row trigger upserts, batches
of 5,000 lock their rows and meet the trigger's with ON CONFLICT, and the link is filled by UPDATE.
"""

from __future__ import annotations

from benchmarks.place import Connection
from benchmarks.target import NAMES, Target
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.ddl.bare_table import create_bare_table
from membership_refactor.sql.ddl.constraints import (
    create_foreign_keys,
    validate_foreign_keys,
)
from membership_refactor.sql.ddl.indexes import create_index, create_indexes, create_keys
from membership_refactor.sql.parents.grouping import parent_columns
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, qualified

BATCH = 5_000


def rebuild(connection: Connection, wanted: Target) -> None:
    """Child and parent as the offline minimum leaves them, apart from the uuids' values."""
    run = _Recipe(connection, wanted)
    run.copy()
    run.group()
    run.link()
    run.keys()
    connection.execute(f"VACUUM (ANALYZE) {NAMES.copy}".encode())
    connection.execute(f"ANALYZE {run.parent}".encode())


class _Recipe:
    def __init__(self, connection: Connection, wanted: Target) -> None:
        self.connection, self.wanted = connection, wanted
        self.parent = qualified(wanted.parent.schema, wanted.parent.name)
        self.key = ident(SPLIT.last_id)
        self.names = [c.name for c in wanted.source.columns]

    def run(self, text: str) -> None:
        self.connection.execute(text.encode())

    def batches(self, text: str) -> None:
        """``text`` for each range of ids; ``{lo}`` and ``{hi}`` stand in it."""
        row = self.connection.execute(
            f"SELECT max({self.key}) FROM {NAMES.source}".encode()
        ).fetchone()
        assert row is not None
        for lo in range(0, row[0] + 1, BATCH):
            self.run(text.replace("{lo}", str(lo)).replace("{hi}", str(lo + BATCH)))

    def copy(self) -> None:
        child = self.wanted.child
        link_index = next(i for i in child.indexes if i.columns == (SPLIT.link,))
        for statement in create_bare_table(child):
            self.run(statement.text)
        for index in child.indexes:
            if index != link_index:
                self.run(create_index(child, index).text)
        for statement in create_keys(child):
            self.run(statement.text)
        values, others = listed(self.names, "NEW."), [n for n in self.names if n != SPLIT.id]
        self.run(f"""CREATE FUNCTION public.usual_sync() RETURNS trigger LANGUAGE plpgsql AS $sync$
BEGIN
  IF tg_op = 'DELETE' THEN
    DELETE FROM {NAMES.copy} AS b WHERE b.{self.key} = OLD.{self.key};
  ELSE
    INSERT INTO {NAMES.copy} ({listed(self.names)}) VALUES ({values})
    ON CONFLICT ({self.key}) DO UPDATE SET ({listed(others)}) = ROW ({listed(others, "excluded.")});
  END IF;
  RETURN NULL;
END $sync$""")
        self.run(
            f"CREATE TRIGGER usual_sync AFTER INSERT OR UPDATE OR DELETE ON {NAMES.source} "
            "FOR EACH ROW EXECUTE FUNCTION public.usual_sync()"
        )
        self.batches(
            f"INSERT INTO {NAMES.copy} ({listed(self.names)}) SELECT {listed(self.names, 'a.')}\n"
            f"FROM {NAMES.source} AS a WHERE a.{self.key} >= {{lo}} AND a.{self.key} < {{hi}}\n"
            f"FOR KEY SHARE ON CONFLICT DO NOTHING"
        )
        self.run(f"ANALYZE {NAMES.copy}")

    def group(self) -> None:
        parent, key = self.wanted.parent, listed(SPLIT.key, "c.")
        columns = [c.name for c in parent_columns(SPLIT, self.wanted.child)]
        values = [f"c.{ident(n)}" if n in SPLIT.key else f"max(c.{ident(n)})" for n in columns]
        for statement in create_bare_table(parent):
            self.run(statement.text)
        for statement in (*create_indexes(parent), *create_keys(parent)):
            self.run(statement.text)
        self.run(
            f"INSERT INTO {self.parent} ({listed([SPLIT.parent_id, *columns])})\n"
            f"SELECT gen_random_uuid(), {', '.join(values)} FROM {NAMES.copy} AS c GROUP BY {key}"
        )
        self.run(f"ANALYZE {self.parent}")

    def link(self) -> None:
        child, first = self.wanted.child, ident(SPLIT.key[0])
        index = next(i for i in child.indexes if i.columns == (SPLIT.link,))
        self.run(create_index(child, index, concurrently=True).text)
        same = " AND ".join(
            f"c.{ident(n)} IS NOT DISTINCT FROM p.{ident(n)}" for n in SPLIT.key[1:]
        )
        self.batches(
            f"UPDATE {NAMES.copy} AS c SET {ident(SPLIT.link)} = p.{ident(SPLIT.parent_id)}\n"
            f"FROM {self.parent} AS p WHERE c.{self.key} >= {{lo}} AND c.{self.key} < {{hi}}\n"
            f"AND c.{first} = p.{first} AND {same}"
        )

    def keys(self) -> None:
        for table in (self.wanted.child, self.wanted.parent):
            for statement in create_foreign_keys(table, not_valid=True):
                self.run(statement.text)
            for statement in validate_foreign_keys(table):
                self.run(statement.text)
        self.run(f"{self.wanted.link_key} NOT VALID")
        self.run(f"ALTER TABLE {NAMES.copy} VALIDATE CONSTRAINT {ident(NAMES.link_key_name)}")

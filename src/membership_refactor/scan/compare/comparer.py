"""Run the old and the new form of a statement on the same rows in three structures."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlglot.errors import SqlglotError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.needs import Types
from membership_refactor.scan.compare.one_statement import StatementComparison
from membership_refactor.scan.compare.results import Compared, Verdict
from membership_refactor.scan.compare.scratch_schemas import CURRENT, INTERIM, StatementFailed
from membership_refactor.scan.compare.to_postgres import NotComparable, Refused
from membership_refactor.scan.consumers import DEFAULT, Consumer
from membership_refactor.scan.findings.values import Place
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns


@dataclass
class Comparer:
    """Compares the forms of statements of one consumer, each in a transaction that is undone."""

    connection: Connection
    plan: TableSplit
    stage: Stage = Stage.INTERIM
    consumer: Consumer = DEFAULT
    random_sets: int = 20
    seconds: float = 5.0
    schema: str = "public"
    """Where the user's own tables and functions are."""

    def __post_init__(self) -> None:
        portrait = columns_portrait(self.connection, self.schema)
        self.connection.rollback()
        self.types = Types.from_portrait(portrait)
        self.columns = wide_columns(self.plan, portrait=portrait)
        self.old_stage = Stage.INTERIM if self.stage is Stage.CURRENT else self.stage
        self.view = View(structure_at(self.plan, self.old_stage), self.consumer, "postgres")

    def compare(
        self,
        old: str,
        new: str,
        dialect: str = "postgres",
        *,
        place: Place | None = None,
        seed: int = 1,
        forms: Sequence[str] = (INTERIM, CURRENT),
    ) -> Compared:
        """Compare the two forms. Whatever the statements do is undone."""
        started = time.monotonic()
        try:
            self.connection.begin()
            compared = StatementComparison(
                self, old, new, dialect, seed=seed, forms=tuple(forms)
            ).run()
        except Refused as error:
            compared = Compared(verdict=Verdict.DIFFERENT, why=str(error))
        except (NotComparable, StatementFailed) as error:
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=str(error))
        except (SQLAlchemyError, SqlglotError, RecursionError) as error:
            # The server, the parser or the depth of the text: this ends no run, it is a verdict.
            # A fault of the comparison itself is no verdict, and is raised.
            why = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=why)
        finally:
            with contextlib.suppress(SQLAlchemyError):
                self.connection.rollback()
        if dialect == "mysql" and compared.verdict is Verdict.EQUAL:
            remark = "run on PostgreSQL: it shows the split, not the port from MySQL"
            compared = replace(compared, remarks=(*compared.remarks, remark))
        return replace(compared, place=place or compared.place, seconds=time.monotonic() - started)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression without columns. None where PostgreSQL does not take it."""
        try:
            with self.connection.begin_nested():
                return self.connection.exec_driver_sql(
                    f"SELECT {expression}", execution_options={"no_parameters": True}
                ).scalar_one()
        except DBAPIError:
            return None

"""A step that runs in a thread, with its ledger seen from outside."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any

from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from tests.chain.driver import Chain
from tests.fixtures.steps import CHAIN

PATIENCE = 60.0


class Running:
    """0003 under way on a chain; ``said`` is what its progress shows."""

    def __init__(self, chain: Chain, options: Options, *, engine: Any = None) -> None:
        self.chain, self.said = chain, io.StringIO()
        self.error: BaseException | None = None
        self.runner = Runner(
            engine or chain.engine,
            chain.plan,
            chain.subject.schema,
            CHAIN,
            options=options,
            progress=Progress(self.said),
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self.runner.upgrade("copy_table")
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        """Until the step has ended; raises what ended it."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), self.said.getvalue()
        if self.error is not None:
            raise self.error

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Waits for a condition that the ledger or the progress tells."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            assert self._thread.is_alive(), f"ended before {what}: {self.error!r}"
            self._thread.join(0.02)
        raise AssertionError(f"never {what}: {self.said.getvalue()}")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The details of the ledger's events of that name."""
        ledger = self.runner.ledger
        if not self.chain.value(f"SELECT to_regclass('{ledger.table('event')}') IS NOT NULL"):
            return []
        rows = self.chain.query(
            f"SELECT detail FROM {ledger.table('event')} WHERE event = '{name}' ORDER BY at"
        )
        return [row[0] for row in rows]

    def waiting(self, beginning: str) -> str:
        """Waits until the step waits for that reason; the whole reason."""
        found = self.until(
            lambda: [e for e in self.events("waiting") if e["reason"].startswith(beginning)],
            f"waits for {beginning}",
        )
        return str(found[-1]["reason"])

    def batches(self) -> int:
        """How many ranges are done."""
        table = self.runner.ledger.table("batch")
        return int(self.chain.value(f"SELECT count(*) FROM {table} WHERE done"))

    def observe(self) -> None:
        """From now on the rows of every finished range are noted."""
        batch = self.runner.ledger.table("batch")
        self.chain.run(
            "CREATE TABLE public.seen (n bigserial, rows bigint)",
            "CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO public.seen (rows) VALUES (NEW.rows); RETURN NULL; END'",
            f"CREATE TRIGGER see AFTER UPDATE ON {batch} FOR EACH ROW WHEN (NEW.done) "
            "EXECUTE FUNCTION public.see()",
        )

    def sizes(self) -> list[int]:
        """The rows of the ranges finished so far, in order."""
        return [n for (n,) in self.chain.query("SELECT rows FROM public.seen ORDER BY n")]

    def control(self, setting: str) -> None:
        """What a DBA writes into the ledger's control row."""
        table, plan = self.runner.ledger.table("control"), self.chain.plan.name
        column = setting.split(" = ", maxsplit=1)[0]
        value = setting.split(" = ")[1]
        self.chain.run(
            f"INSERT INTO {table} (plan, {column}) VALUES ('{plan}', {value}) "
            f"ON CONFLICT (plan) DO UPDATE SET {column} = excluded.{column}"
        )

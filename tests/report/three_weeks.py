"""Three weeks of evidence in the ledger of a chain, and reports of chains."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from alembic.config import Config

from membership_refactor.cli.plan import revision_texts
from membership_refactor.consumers import Consumer
from membership_refactor.database import libpq_url
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.planning.targets import deprecated_columns, retired_table, source_table
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.report.page_values import Report
from membership_refactor.report.read_page import read_page
from membership_refactor.sql.ledger.table_definitions import create_measured
from membership_refactor.sql.unique_identity.merge_record import create_record
from membership_refactor.sql.unique_identity.names import IdentityNames
from tests.chain.driver import ROOT, Chain

SCRIPT = '<script>alert("hostile")</script>'
CONSUMERS = (
    Consumer(name="Trainee service", owner="Team Trainees", roles=("trainee_service",)),
    Consumer(name="Reporting", owner="Team Numbers", roles=("reporting", "reporting_night")),
    Consumer(name="Sync to Reval", owner="Team Sync", roles=("sync",)),
)
_LEFT = {"Trainee service": (7, 3, 0), "Reporting": (24, 11, 2), "Sync to Reval": (1, 0, 0)}
_USERS = {15: ("trainee_service",), 12: ("reporting",), 9: ("reporting", "stray_script")}
"""Days ago, and the roles that used the deprecated columns on that day."""


def report(chain: Chain, consumers: tuple[Consumer, ...] = ()) -> Report:
    texts = revision_texts(Config(ROOT / "alembic.ini"))
    return read_page(chain.runner(), texts, consumers)


def fill(chain: Chain, remark: str = SCRIPT) -> None:
    """Evidence, scans, waits, merges and what verify found. The newest sample is of now. ``remark``
    stands wherever somebody may write what he likes."""
    verify_all(chain.runner())
    now = datetime.now(UTC).replace(microsecond=0)
    with psycopg.connect(libpq_url(chain.url)) as connection:
        writer = _Writer(connection, chain, now, remark)
        writer.evidence()
        writer.scans()
        writer.felt()
        writer.others()


class _Writer:
    def __init__(
        self, pg: psycopg.Connection[Any], chain: Chain, now: datetime, remark: str
    ) -> None:
        self.pg, self.plan, self.chain, self.now = pg, chain.plan, chain, now
        self.remark = remark

    def insert(self, table: str, **values: Any) -> None:
        ledger = chain_ledger(self.chain)
        given = ", ".join(["%s"] * len(values))
        self.pg.execute(
            f"INSERT INTO {ledger}.{table} ({', '.join(values)}) VALUES ({given})".encode(),
            [json.dumps(v) if isinstance(v, dict) else v for v in values.values()],
        )

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def evidence(self) -> None:
        name = self.plan.name
        targets = (
            (deprecated_columns(self.plan), 0),
            (retired_table(self.plan), 0),
            (source_table(self.plan), 18),
        )
        for target, until in targets:
            # A second source that covers nothing: what the first covers is no hole.
            self.insert(
                "usage_interval", plan=name, target=target, source="server log",
                began=self.ago(21), ended=self.ago(until), uses=0, covered=False,
                detail={"holes": ["the log shows no statements inside of functions"]},
            )  # fmt: skip
            for day in range(21, until, -1):
                who = _USERS.get(day, ()) if target == targets[0][0] else ()
                hole = day == 17
                holes = ["the statistics were reset or lost in a crash"] if hole else []
                self.insert(
                    "usage_interval", plan=name, target=target, source="pg_stat_statements",
                    began=self.ago(day), ended=self.ago(day - 1), uses=len(who) * 4,
                    covered=not hole, detail={"who": ", ".join(who), "holes": holes},
                )  # fmt: skip
        for day, roles in _USERS.items():
            for role in roles:
                text = f"SELECT rotation, programme_start_date FROM {self.plan.child} WHERE id = $1"
                self.insert(
                    "usage", plan=name, target=targets[0][0], digest=f"{day} {role}",
                    source="pg_stat_statements", server="primary", role=role, application="psql",
                    statement=f"{text} AND rotation <> {self.remark!r}", columns=["rotation"],
                    why="", before=0, uses=4, first_at=self.ago(21), last_at=self.ago(day - 1),
                )  # fmt: skip
        marks = {"read at": str(self.now.timestamp()), "downgrades": "0"}
        self.insert(
            "usage_sample", plan=name, server="primary", source="pg_stat_statements",
            taken_at=self.now, state={"marks": marks},
        )  # fmt: skip

    def scans(self) -> None:
        for consumer in CONSUMERS:
            for day, findings in zip((20, 13, 6), _LEFT[consumer.name], strict=True):
                why = f"{findings} references" if findings else "no reference"
                self.insert(
                    "scan_outcome", plan=self.plan.name, stage="interim", consumer=consumer.name,
                    clear=not findings, findings=findings, scanned_at=self.ago(day),
                    detail={"why": why, "owner": consumer.owner},
                )  # fmt: skip

    def felt(self) -> None:
        """Two actions of a step: one in which the server became slow, and a quiet one."""
        for statement in create_measured(self.chain.subject.schema):
            self.pg.execute(statement.text.encode())
        for n in range(90):
            slow = 40 <= n < 50
            began = self.ago(20) + timedelta(seconds=n)
            self.insert(
                "felt", plan=self.plan.name, step="copy_table", direction="up",
                key="copy" if n < 70 else "checks", n=n,
                title="copy the rows" if n < 70 else self.remark,
                began=began, ended=began + timedelta(seconds=1), writes=4,
                median_ms=9.0 if slow else 2.0, longest_ms=180.0 if slow else 3.0, idle_ms=1.8,
                allowed_ms=5.4, share=0.5 if slow else 1.0, rows=12_000,
                waited_seconds=0.5 if slow else 0.0, lag_bytes=2_000_000 if slow else None,
            )  # fmt: skip

    def others(self) -> None:
        for seconds in (12.5, 40.0):
            self.insert(
                "event", plan=self.plan.name, event="waited",
                detail={"reason": "replica lag", "seconds": seconds},
            )  # fmt: skip
        self.insert(
            "acceptance", plan=self.plan.name, step="retire_source", option="accept-usage",
            reason=self.remark, by_role="dba",
        )  # fmt: skip
        names = IdentityNames(IDENTITY, self.chain.subject.schema)
        for statement in create_record(names):
            self.pg.execute(statement.text.encode())
        self.pg.execute(
            f"INSERT INTO {names.own('merge_run')} (reason, fingerprint, ended) "
            "VALUES ('the twins of March', 'f', now())".encode()
        )
        for number in (1, 2):
            self.pg.execute(
                f"INSERT INTO {names.own('merge')} (run, kind, survivor, undone) "
                f"VALUES (1, 'same', '{number}', {'now()' if number == 2 else 'NULL'})".encode()
            )
            self.pg.execute(
                f"INSERT INTO {names.own('merge_move')} (merge, place, relation, action, id, "
                "before) VALUES (%s, 1, 'program_enrollment', 'removed', '9', '{}')".encode(),
                (number,),
            )


def chain_ledger(chain: Chain) -> str:
    return chain.runner().ledger.table("x").rpartition(".")[0]

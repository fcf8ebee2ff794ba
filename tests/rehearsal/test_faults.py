"""Faults that real databases brought along: each is named by `plan`, found by a rehearsal, or gone.

Whether it is gone is asked of the chain itself: it is taken to the place of the fault, and the
write of the application is made there. So a fault that comes back has to be found.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
from alembic.config import Config

from membership_refactor.cli.command_line import packaged_configuration
from membership_refactor.cli.plan import revision_texts
from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from membership_refactor.inspect import forecast_text
from membership_refactor.inspect.forecast import forecast
from membership_refactor.rehearsal import Rehearsal
from tests.chain.driver import Chain
from tests.fixtures.databases import TemplateDatabase
from tests.rehearsal.orders import CLERK, ORDERS, OWNER, build
from tests.rehearsal.rehearsing import rehearsed

LINE = "public.order_line"
INSERT = "INSERT INTO {t} (customer_id, article, pieces) VALUES (1, 'new', 1)"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the database has, where it shows, and how an application meets it."""

    setup: tuple[str, ...]
    up_to: str
    """The revision at which it shows."""
    named: str
    """A word of what `plan` says where it names it."""
    write: str = INSERT
    """A write of the application that worked before, on the table ``{t}``."""
    evidence: str = ""
    """A query whose count has to be the same after the write; empty where an error shows it."""
    lost: str = ""
    """A write that was refused before."""
    role: str = CLERK
    found_by: str = ""
    """A word of what the rehearsal says."""


def audited(body: str, events: str = "INSERT OR UPDATE OR DELETE") -> tuple[str, ...]:
    return (
        "CREATE TABLE public.audit (n bigserial, what text)",
        "GRANT ALL ON public.audit TO PUBLIC",
        "GRANT USAGE ON SEQUENCE public.audit_n_seq TO PUBLIC",
        f"CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} "
        "RETURN NULL; END $$",
        f"CREATE TRIGGER note AFTER {events} ON {LINE} FOR EACH ROW EXECUTE FUNCTION public.note()",
    )


FAULTS = {
    "T2 unqualified": Fault(
        setup=audited("INSERT INTO audit (what) VALUES (TG_OP);"),
        up_to="0004",
        named="search_path",
        found_by="audit",
    ),
    "T2 swallowed": Fault(
        setup=audited(
            "BEGIN INSERT INTO audit (what) VALUES (TG_OP); EXCEPTION WHEN OTHERS THEN NULL; END;"
        ),
        up_to="0004",
        named="search_path",
        evidence="SELECT count(*) FROM public.audit",
        found_by="audit",
    ),
    "T4": Fault(
        setup=audited("RAISE EXCEPTION 'reference is final';", "UPDATE OF reference"),
        up_to="0004",
        named="UPDATE OF",
        write="UPDATE {t} SET pieces = 3 WHERE id = 1",
        found_by="reference is final",
    ),
    "T5": Fault(
        setup=(
            f"CREATE TABLE public.history AS SELECT * FROM {LINE} WHERE false",
            "GRANT ALL ON public.history TO PUBLIC",
            "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO public.history SELECT OLD.*; RETURN NULL; END $$",
            f"CREATE TRIGGER keep AFTER UPDATE OR DELETE ON {LINE} "
            "FOR EACH ROW EXECUTE FUNCTION public.keep()",
        ),
        up_to="0005",
        named="whole",
        write="UPDATE {t} SET pieces = 3 WHERE id = 1",
        found_by="42601",
    ),
    "L1": Fault(
        setup=(f"ALTER TABLE {LINE} ADD CONSTRAINT once UNIQUE (customer_id, article)",),
        up_to="0010",
        named="once",
        lost="INSERT INTO {t} (customer_order_uuid, article, pieces) "
        "SELECT customer_order_uuid, article, 1 FROM {t} WHERE id = 1",
        found_by="allowed",
    ),
    "L2": Fault(
        setup=(f"CREATE PUBLICATION few FOR TABLE {LINE} (id, carrier)",),
        up_to="0010",
        named="few",
        found_by="few",
    ),
    "L4": Fault(
        setup=(f"ALTER TABLE {LINE} ALTER reference TYPE text",),
        up_to="0007",
        named="2,704",
        write="UPDATE {t} SET reference = (SELECT string_agg(sha256(n::text::bytea)::text, '') "
        "FROM generate_series(1, 60) AS n) WHERE id = 1",
        found_by="54000",
    ),
    "R1": Fault(
        setup=(
            f"ALTER TABLE {LINE} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {LINE} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {LINE} USING (customer_id = 1)",
        ),
        up_to="0003",
        named="ROW LEVEL SECURITY",
        found_by="ROW LEVEL SECURITY",
    ),
    "G4": Fault(
        setup=("CREATE PUBLICATION everything FOR ALL TABLES",),
        up_to="0007",
        named="everything",
        found_by="replica identity",
    ),
}


@dataclass
class Meeting:
    """The same database twice: rehearsed, and taken to the fault."""

    fault: Fault
    chain: Chain

    def named(self) -> bool:
        """Whether `plan` says it before the first step."""
        config = Config(str(packaged_configuration()))
        try:
            made, _ = forecast(self.chain.runner(), revision_texts(config))
            said = forecast_text.as_text(made)
        except RefactorError as refused:
            said = str(refused)
        return self.fault.named.lower() in said.lower()

    def found(self, done: Rehearsal) -> bool:
        said = [f"{f.kind} {f.sqlstate} {f.what} {f.before}".lower() for f in done.surprises]
        return any(self.fault.found_by.lower() in text for text in said)

    def breaks(self) -> bool:
        """Whether the chain stops, or the application's write fares otherwise there."""
        fault, chain = self.fault, self.chain
        before = self._written(LINE)
        try:
            chain.up_to(fault.up_to)
        except RefactorError:
            return True
        copy = "public.ordered_article"
        if fault.lost:
            return self._refused(fault.lost.format(t=copy)) is None
        if fault.up_to in ("0010", "0011"):
            return False
        return before != self._written(LINE if fault.up_to == "0003" else copy)

    def _written(self, table: str) -> tuple[str | None, object]:
        """The SQLSTATE of the write and what it left, rolled back."""
        with psycopg.connect(libpq_url(self.chain.url)) as connection:
            connection.execute(f"SET LOCAL SESSION AUTHORIZATION {self.fault.role}".encode())
            try:
                connection.execute(self.fault.write.format(t=table).encode())
                connection.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")
                row = (
                    connection.execute(self.fault.evidence.encode()).fetchone()
                    if self.fault.evidence
                    else None
                )
                return None, row
            except psycopg.Error as error:
                return error.sqlstate, None
            finally:
                connection.rollback()

    def _refused(self, text: str) -> str | None:
        with psycopg.connect(libpq_url(self.chain.url)) as connection:
            try:
                connection.execute(text.encode())
            except psycopg.Error as error:
                return error.sqlstate
            finally:
                connection.rollback()
        return None


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_plan_or_found_or_gone(
    name: str, template_database: TemplateDatabase
) -> None:
    fault = FAULTS[name]

    def planted(url: str) -> None:
        build(url)
        with psycopg.connect(libpq_url(url)) as connection:
            for text in fault.setup:
                connection.execute(text.encode())

    chain = Chain(template_database(f"fault {name}", planted), ORDERS)
    database = chain.value("SELECT current_database()")
    chain.run(f'GRANT CREATE ON DATABASE "{database}" TO {OWNER}')
    meeting = Meeting(fault, chain)
    (step,) = chain.runner().chain.run_by(fault.up_to)

    named = meeting.named()
    done = rehearsed(chain, to=step.name)
    found = meeting.found(done)

    print(f"{name}: named {named}, found {found}")
    assert named or found or not meeting.breaks(), done.findings

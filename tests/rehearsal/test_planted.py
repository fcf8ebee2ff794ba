"""What behaves otherwise at a later stage, planted on purpose: each kind is found, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alembic.config import Config

from membership_refactor.cli.command_line import packaged_configuration
from membership_refactor.cli.plan import revision_texts
from membership_refactor.inspect.forecast import forecast
from membership_refactor.rehearsal import Finding, Kind, Rehearsal
from tests.chain.subjects import ODD
from tests.chain.test_application_triggers import disagreeing
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import TemplateDatabase
from tests.rehearsal.orders import CLERK, IN_PLACE, ORDERS, OWNER, PACKER, PLAN, orders
from tests.rehearsal.rehearsing import rehearsed

AUDIT = """
CREATE TABLE public.audit (n bigserial, what text, who text, at timestamptz DEFAULT now());
GRANT INSERT ON public.audit TO PUBLIC;
GRANT USAGE ON SEQUENCE public.audit_n_seq TO PUBLIC;
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {body} RETURN COALESCE(NEW, OLD); END $$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON public.order_line
  FOR EACH ROW EXECUTE FUNCTION public.note();
"""
BY_NAME = "IF TG_TABLE_NAME {test} 'order_line' THEN {then} END IF;"
RAISES = BY_NAME.format(test="<>", then="RAISE EXCEPTION 'made for order_line';")
SILENT = BY_NAME.format(test="=", then="INSERT INTO public.audit (what) VALUES (TG_OP);")
OTHERWISE = "INSERT INTO public.audit (what, who) VALUES (TG_OP, TG_TABLE_NAME);"


def of(done: Rehearsal, kind: Kind) -> list[Finding]:
    return [f for f in done.surprises if f.kind is kind]


def test_without_a_plant_nothing_is_found(template_database: TemplateDatabase) -> None:
    done = rehearsed(orders(template_database), to="dual_write", back=True)

    assert done.surprises == []
    assert done.roles == (OWNER, CLERK, "mr_rehearsal_packer")
    assert done.tried > 500
    assert {f.stages[0] for f in done.documented} == {"copy_table up"}


@pytest.mark.parametrize("to", ["rebuild_parent", pytest.param(None, marks=pytest.mark.slow)])
def test_in_place_nothing_is_found_without_a_plant(
    to: str | None, template_database: TemplateDatabase
) -> None:
    done = rehearsed(orders(template_database, subject=IN_PLACE), to=to, back=True)

    assert done.surprises == []
    assert done.tried > 500


@pytest.mark.slow
def test_a_kept_column_that_is_changed_alone_is_expected_to_be_refused(
    template_database: TemplateDatabase,
) -> None:
    plan = replace(PLAN, keep=("customer_id",))
    chain = replace(orders(template_database), subject=replace(ORDERS, plan=plan))

    done = rehearsed(chain)

    assert done.surprises == []
    assert "a kept column is changed through the parent" in {f.expected for f in done.documented}


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        pytest.param(
            RAISES, Kind.REFUSED, "P0001 made for order_line", id="an error", marks=pytest.mark.slow
        ),
        pytest.param(SILENT, Kind.EFFECT, "INSERT 0 1", id="a row that is missing"),
        pytest.param(
            OTHERWISE,
            Kind.CONTENT,
            "1 inserted",
            id="a row that says otherwise",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_trigger_that_knows_its_table_is_found_when_the_copy_takes_over(
    body: str, kind: Kind, said: str, template_database: TemplateDatabase
) -> None:
    done = rehearsed(orders(template_database, AUDIT.format(body=body)), to="retire_source")

    found = of(done, kind)
    assert found and {f.kind for f in done.surprises} == {kind}
    assert any(said in f.what for f in found)
    assert {stage for f in found for stage in f.stages} == {"retire_source up"}
    assert {role for f in found for role in f.roles} == set(done.roles)
    assert {"INSERT a copy of the row", "DELETE the row", "UPDATE pieces to itself"} <= {
        s for f in found for s in f.statements
    }


def test_a_role_acts_with_the_settings_that_its_sessions_begin_with(
    template_database: TemplateDatabase,
) -> None:
    """Its search_path in this database is where the trigger finds its table."""
    body = BY_NAME.format(test="=", then="INSERT INTO audit (what) VALUES (TG_OP);")
    chain = orders(
        template_database,
        AUDIT.format(body=body),
        "CREATE SCHEMA app",
        "ALTER TABLE public.audit SET SCHEMA app",
        "GRANT USAGE ON SCHEMA app TO PUBLIC",
    )
    database = chain.value("SELECT current_database()")
    chain.run(f'ALTER ROLE {CLERK} IN DATABASE "{database}" SET search_path = app, public')

    done = rehearsed(chain, to="retire_source")

    effects = of(done, Kind.EFFECT)
    assert {f.roles for f in effects} == {(CLERK,)}
    assert any('"app"."audit": 1 inserted' in f.before for f in effects)
    # The functions of 0004 find the table too, because the clone knows the role's path.
    assert of(done, Kind.REFUSED) == []


def test_a_row_policy_that_names_a_role_of_its_own_is_no_finding(
    template_database: TemplateDatabase,
) -> None:
    chain = orders(
        template_database,
        "ALTER TABLE public.order_line ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY few ON public.order_line TO {CLERK} USING (customer_id < 3)",
    )

    assert rehearsed(chain, to="retire_source").surprises == []


def test_a_privilege_that_only_the_copy_asks_for_is_found(
    template_database: TemplateDatabase,
) -> None:
    """An identity column asks nobody for USAGE on its sequence; a default does."""
    chain = orders(
        template_database, f"REVOKE ALL ON SEQUENCE public.order_line_id_seq FROM {CLERK}"
    )

    (found,) = rehearsed(chain, to="dual_write").surprises

    assert (found.roles, found.sqlstate, found.stages) == ((CLERK,), "42501", ("dual_write up",))
    assert found.statements == ("INSERT a copy of the row",)


def test_a_step_that_stops_is_named_and_taken_back(template_database: TemplateDatabase) -> None:
    chain = orders(
        template_database,
        "CREATE TABLE public.customer_order (id int)",
        f"ALTER TABLE public.customer_order OWNER TO {OWNER}",
    )

    done = rehearsed(chain)

    (stop,) = of(done, Kind.STOPS)
    assert "customer_order" in stop.what
    assert of(done, Kind.DEAD_END) == []


@pytest.mark.slow
def test_a_plan_unlike_the_others_passes_every_check(chain_at: ChainAt) -> None:
    """Comments on columns that go to the parent, names that need quotes, a text for an id."""
    chain = chain_at("0002", subject=ODD, name="disagreeing odd", first=disagreeing(ODD))

    done = rehearsed(chain, to="link_children")

    assert [f for f in done.surprises if f.sqlstate != "54000"] == []


def test_plan_names_the_roles_that_may_not_use_the_sequence_of_the_copy(
    template_database: TemplateDatabase,
) -> None:
    config = Config(str(packaged_configuration()))

    def said(*more: str) -> str:
        chain = orders(template_database, *more)
        made, _ = forecast(chain.runner(), revision_texts(config))
        return next(" ".join(step.notes) for step in made.steps if step.name == "dual_write")

    assert "SEQUENCE" not in said()
    without = said(f"REVOKE ALL ON SEQUENCE public.order_line_id_seq FROM {CLERK}")
    grant = f'GRANT USAGE ON SEQUENCE "public"."order_line_id_seq" TO "{CLERK}";'
    assert grant in without
    # Any of the rows' writers, by a column or by everybody, and a privilege that is as good.
    columns = said(f"GRANT INSERT (article) ON public.order_line TO {PACKER}")
    assert columns.endswith(f'TO "{PACKER}";')
    assert "SEQUENCE" not in said(
        f"REVOKE ALL ON SEQUENCE public.order_line_id_seq FROM {CLERK}",
        "GRANT UPDATE ON SEQUENCE public.order_line_id_seq TO PUBLIC",
    )

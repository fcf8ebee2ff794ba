"""Makes pytest's tests of the plans that the project registers, for `pytest --refactor`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.util import CommandError

from membership_refactor.database import server_for_tests
from membership_refactor.errors import RefactorError
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.testing.plan_chain import PlanChain
from membership_refactor.testing.plan_tests import Differs, PlanTest, tests_of
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.testing.stored_scripts import StoredScripts

SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_prepared_transactions": "10"}
KEPT = pytest.StashKey[Databases]()


class PlanNode(pytest.Collector):
    """One plan in one schema."""

    def collect(self) -> list[pytest.Item]:
        return []


class PlanItem(pytest.Item):
    """One test of a plan."""

    test: PlanTest

    def runtest(self) -> None:
        self.test.run(_databases(self.config))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        error = excinfo.value
        if isinstance(error, (Differs, RefactorError, CommandError)):
            return str(error)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        assert self.parent is not None
        return self.path, None, f"{self.parent.name}: {self.name}"


def plan_items(session: pytest.Session) -> Iterator[PlanItem]:
    """The tests of every plan in every schema of it.

    Raises UsageError where there is no Alembic project, or one that registers no plan.
    """
    folder = session.config.rootpath
    ini, toml = folder / session.config.getoption("refactor_config"), folder / "pyproject.toml"
    config = Config(ini, toml_file=toml if toml.exists() else None)
    try:
        project = AlembicProject(config)
        plans = project.plans
    except (RefactorError, CommandError) as error:
        raise pytest.UsageError(f"--refactor: {error}") from error
    if not plans:
        raise pytest.UsageError(
            f"--refactor: {ini} registers no plan. Let `membership-refactor new TABLE` write one."
        )
    samples = folder / str(session.config.getini("refactor_folder"))
    stored = str(session.config.getini("refactor_scripts"))
    stores = bool(session.config.getoption("refactor_store"))
    if stores and not stored:
        raise pytest.UsageError(
            "--refactor-store: pytest's settings name no folder for the scripts. Add one: "
            "refactor_scripts = scripts"
        )
    for registered in plans:
        plan = registered.plan
        schemas = project.schemas(plan)
        for schema in schemas:
            name = plan.name if len(schemas) == 1 else f"{plan.name} in {schema}"
            sample = samples / f"{plan.name}.sql"
            chain = PlanChain(config, plan, schema, sample if sample.exists() else None)
            node = PlanNode.from_parent(session, name=name, path=ini, nodeid=f"refactor/{name}")
            scripts = StoredScripts(chain, folder / stored / name) if stored else None
            url = session.config.getoption("rehearsal_url")
            for test in tests_of(chain, url, scripts, stores=stores):
                item = PlanItem.from_parent(node, name=test.name)
                item.test = test
                yield item


def _databases(config: pytest.Config) -> Databases:
    """The scratch databases of this run, on the server of --refactor-url or on one of its own."""
    kept = config.stash.get(KEPT, None)
    if kept is None:
        started = ExitStack()
        config.add_cleanup(started.close)
        url = config.getoption("refactor_url")
        environ = {"DATABASE_URL": url} if url else {}
        server = started.enter_context(server_for_tests(settings=SETTINGS, environ=environ))
        kept = Databases(server)
        started.enter_context(kept.claimed())
        config.stash[KEPT] = kept
    return kept

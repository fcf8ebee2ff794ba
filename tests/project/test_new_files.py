"""A plan is written into projects of every kind, and taken back whole where something fails."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor import Conflict, ParentColumn, TableSplit
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.project.new_files import NewFiles, new_files
from tests.guest.projects import Project, Revision, new_project
from tests.propose.projects import files_of, inside

URL = "postgresql+psycopg://nobody@nowhere/nothing"
PLAN = TableSplit(
    name="lines",
    source="order_line",
    copy="order_line_item",
    parent="order_header",
    key=("order_no",),
    parent_columns=(
        ParentColumn(name="customer", conflict=Conflict.AGREE),
        ParentColumn(name="status", conflict=Conflict.LATEST),
    ),
    child_columns=("article", 'pi"eces'),
    link="order_header_uuid",
    changed="updated_at",
)
OWN = Revision("a1_own", "pass")


def _project(
    folder: Path, template: str = "generic", revisions: Sequence[Revision] = (OWN,)
) -> Project:
    return new_project(folder, URL, template=template, revisions=revisions)


def _prepared(config: Config, **more: str) -> NewFiles:
    return new_files(config, PLAN, schema="public", remarks={"status": "A remark."}, **more)


def _write(project: Project, **more: str) -> list[Path]:
    with inside(project.folder):
        return _prepared(project.config(), **more).write()


def _runs(project: Project) -> dict[str, str]:
    """By step: the revision that runs it, as the project is read by every verb."""
    with inside(project.folder):
        read = AlembicProject(project.config())
        (registered,) = read.plans
        assert registered.plan == PLAN
        return dict(read.chain(registered.plan, "public").revisions.ids)


@pytest.mark.parametrize("template", ["generic", "async", "pyproject"])
def test_the_project_reads_what_was_written(tmp_path: Path, template: str) -> None:
    project = _project(tmp_path, template)

    written = _write(project)

    ids = _runs(project)
    assert tuple(ids) == PLAN.steps
    assert all(any(id in path.name for path in written) for id in ids.values())
    name = "pyproject.toml" if template == "pyproject" else "alembic.ini"
    assert written[-1].name == name


def test_an_empty_project_begins_at_base(tmp_path: Path) -> None:
    project = new_project(tmp_path, URL, revisions=())

    _write(project)

    with inside(project.folder):
        script = ScriptDirectory.from_config(project.config())
        first = script.get_revision(_runs(project)["copy_table"])
    assert first.down_revision is None


def test_numbers_go_on(tmp_path: Path) -> None:
    project = _project(tmp_path, revisions=(Revision("0008", "pass"), Revision("0009", "pass")))

    _write(project)

    assert list(_runs(project).values()) == [f"{n:04}" for n in range(10, 19)]


def test_folders_and_branches_of_the_project(tmp_path: Path) -> None:
    project = _project(tmp_path)
    project.edit(
        "[alembic]",
        "[alembic]\nfile_template = %%(year)d/%%(rev)s_%%(slug)s\n"
        "recursive_version_locations = true",
        tmp_path / "alembic.ini",
    )

    written = _write(project)

    assert all(path.parent.name.isdigit() for path in written[1:-1])
    assert tuple(_runs(project)) == PLAN.steps


TEMPLATES = {
    "a comment": '# ${message}\nfrom alembic import op\n${imports if imports else ""}\n',
    "no op": '"""${message}"""\n${imports if imports else ""}\n',
    "op by another name": '"""${message}"""\nfrom alembic import op as o\n${imports}\n',
    "a string": 'from alembic import op\n${imports}\nMESSAGE = "${message}"\n',
}
BODY = """
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


@pytest.mark.parametrize("head", TEMPLATES)
def test_templates_that_are_written_otherwise(tmp_path: Path, head: str) -> None:
    project = _project(tmp_path)
    (tmp_path / "migrations" / "script.py.mako").write_text(TEMPLATES[head] + BODY)

    written = _write(project)

    assert tuple(_runs(project)) == PLAN.steps
    assert "Deploy: Before the code that reads order_line_item." in written[1].read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"""${message}"""\nfrom alembic import op\n' + BODY, "leaves out ${imports}"),
        (TEMPLATES["a comment"] + BODY.replace("upgrades", "nothing"), "would not call op.copy"),
        (TEMPLATES["a comment"] + BODY + "${nothing + 1}", "it cannot be rendered"),
        (TEMPLATES["a comment"] + "def upgrade(): pass", "upgrade() would not call op.copy_table"),
        ("<% %", "it cannot be rendered"),
        ("from alembic import op\n${imports}\nx = ${message}\n" + BODY, "would be no Python"),
    ],
)
def test_a_template_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    project = _project(tmp_path)
    (tmp_path / "migrations" / "script.py.mako").write_text(text)
    before = files_of(tmp_path)

    with pytest.raises(WrongUse, match=r"script\.py\.mako") as refused:
        _write(project)

    assert said in str(refused.value)
    assert files_of(tmp_path) == before


def test_a_hook_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    project = _project(tmp_path)
    project.edit(
        "[post_write_hooks]",
        "[post_write_hooks]\nhooks = nobody\nnobody.type = console_scripts\n"
        "nobody.entrypoint = there_is_no_such_entry_point",
        tmp_path / "alembic.ini",
    )
    before = files_of(tmp_path)

    with pytest.raises(Exception, match="there_is_no_such_entry_point"):
        _write(project)

    assert files_of(tmp_path) == before
    assert "refactoring_lines" not in sys.modules


def test_a_failure_at_the_last_file_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registration cannot be read after it was changed: a second section of the same name."""
    project = _project(tmp_path)
    with inside(project.folder):
        prepared = _prepared(project.config())
        broken = NewFiles(
            **{
                **{f: getattr(prepared, f) for f in NewFiles.__dataclass_fields__},
                "registration_text": "[alembic]\n[alembic]\n",
            }
        )
        before = files_of(tmp_path)

        with pytest.raises(Exception, match="alembic"):
            broken.write()

    assert files_of(tmp_path) == before


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    project = _project(tmp_path)
    with inside(project.folder):
        prepared = _prepared(project.config())
        (tmp_path / "refactoring_lines.py").write_text("mine = True\n")
        before = files_of(tmp_path)

        with pytest.raises(FileExistsError):
            prepared.write()

    assert files_of(tmp_path) == before


def test_a_module_in_a_package_of_the_project(tmp_path: Path) -> None:
    project = _project(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()

    written = _write(project, module="shop.refactoring")

    assert written[0].resolve() == tmp_path / "shop" / "refactoring.py"
    assert tuple(_runs(project)) == PLAN.steps


def test_a_project_that_cannot_import_a_new_module_is_told(tmp_path: Path) -> None:
    project = _project(tmp_path)
    project.edit("prepend_sys_path = .", "", tmp_path / "alembic.ini")

    with inside(project.folder), pytest.raises(WrongUse, match="no prepend_sys_path"):
        _prepared(project.config())


@pytest.mark.parametrize("template", ["generic", "pyproject"])
@pytest.mark.parametrize("schema", ["my schema", "a,b", " lead", "two\nlines", 'pub%"lic'])
def test_the_schema_is_registered_as_it_is_or_refused(
    tmp_path: Path, template: str, schema: str
) -> None:
    """Two schemas registered in place of one would be another table's way."""
    project = _project(tmp_path, template)
    before = files_of(tmp_path)
    with inside(project.folder):
        if template == "generic" and "%" not in schema:
            with pytest.raises(WrongUse, match=r"cannot be named in alembic\.ini"):
                new_files(project.config(), PLAN, schema=schema, remarks={})
            assert files_of(tmp_path) == before
            return
        new_files(project.config(), PLAN, schema=schema, remarks={}).write()
        (registered,) = AlembicProject(project.config()).plans
    assert registered.schemas == (schema,)


def test_a_registration_that_cannot_be_read_afterwards_is_taken_back(tmp_path: Path) -> None:
    project = _project(tmp_path, "pyproject")
    toml = tmp_path / "pyproject.toml"
    toml.write_text(f'{toml.read_text()}\n[tool."membership_refactor"]\nplans = []\n')
    before = files_of(tmp_path)
    with inside(project.folder):
        prepared = _prepared(project.config())
        with pytest.raises(RefactorError, match=r"would not register .* Nothing was written"):
            prepared.write()
    assert files_of(tmp_path) == before

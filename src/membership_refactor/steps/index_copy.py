"""The copy's indexes, keys and checks, which are made after its rows are loaded."""

from __future__ import annotations

from membership_refactor.portrait import Index, Table
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.ddl.constraints import create_checks
from membership_refactor.sql.ddl.create import evaluation_path
from membership_refactor.sql.ddl.indexes import create_indexes, create_keys, made_by_constraints
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON
from membership_refactor.steps.actions import Action, Run


def index_copy(copy: Table, build: TableBuild) -> tuple[Action, ...]:
    """Create the indexes after the load, one action each, so that a crash keeps those that exist.

    Nobody else can reach the table yet, so the locks block nobody.
    """
    path = evaluation_path(build.names)
    identity = copy.identity_index(build.names.plan.ids)
    key = identity.name if identity else None
    valid = [i for i in copy.indexes if i.valid]
    if copy.partitioning is not None:
        valid = [i for i in valid if i.name not in made_by_constraints(copy)]
    unique = [i.name for i in valid if _exclusive(copy, i) and i.name != key]
    plain = [i.name for i in valid if i.name not in unique]
    single = [
        Run(
            key=f"create_index:{name}",
            title=f"Create index {name}",
            statements=(path, *create_indexes(copy, only={name})),
        )
        for name in (*plain, *unique)
    ]
    if any(_exclusive(copy, i) and i.valid and i.name != key for i in copy.indexes) or any(
        c.kind == "x" for c in copy.constraints
    ):
        # Rows are copied at different moments: two may hold a value that moved from one to the
        # other. Before anything is made unique, the whole copy has to be of one moment.
        marked = Statement(f"SET LOCAL {SYNC_MARK} = {SYNC_ON}")
        catch_up = Run(
            key="catch_up",
            title="Replay the log before unique indexes are built",
            statements=(marked, Statement(build.catch_up)),
        )
        single.insert(len(plain), catch_up)
    rest = (path, *create_keys(copy), *create_checks(copy))
    analyzed = Statement(f"ANALYZE {qualified(copy.schema, copy.name)}")
    return (
        *single,
        Run(key="create_constraints", title="Create keys and checks", statements=(*rest, analyzed)),
    )


def _exclusive(copy: Table, index: Index) -> bool:
    exclusions = {c.index for c in copy.constraints if c.kind == "x"}
    return index.unique or index.name in exclusions

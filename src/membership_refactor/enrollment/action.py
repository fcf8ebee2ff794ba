"""What the runner does for the unique indexes of revision 0002."""

from __future__ import annotations

from sqlalchemy import Engine

from membership_refactor.enrollment.install import drop_unheld_index
from membership_refactor.enrollment.patience import Patience
from membership_refactor.enrollment.unique_index import Built, build
from membership_refactor.execution.sessions import Sessions
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.steps.enrollment_identity import UniqueIndex


def perform(
    engine: Engine, sessions: Sessions, action: UniqueIndex, *, patience: Patience | None = None
) -> Built:
    """The index stands, or is gone, as the action says."""
    if action.gone:
        names = IdentityNames(action.identity, action.schema)
        with sessions.open(purpose="index") as connection:
            drop_unheld_index(connection, names, action.alternative, patience or Patience())
        return Built()
    return build(
        engine, sessions, action.identity, action.schema, action.alternative, patience=patience
    )

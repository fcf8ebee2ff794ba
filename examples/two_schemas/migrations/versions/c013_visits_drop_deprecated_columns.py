"""Visits drop deprecated columns."""

from alembic import op
from refactoring import VISITS

revision = "c013"
down_revision = "c012"


def upgrade() -> None:
    for site in ("north", "south"):
        op.drop_deprecated_columns(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_drop_deprecated_columns(VISITS, schema=site)

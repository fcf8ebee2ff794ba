"""Visits copy table."""

from alembic import op
from refactoring import VISITS

revision = "c002"
down_revision = "c001"


def upgrade() -> None:
    for site in ("north", "south"):
        op.copy_table(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_copy_table(VISITS, schema=site)

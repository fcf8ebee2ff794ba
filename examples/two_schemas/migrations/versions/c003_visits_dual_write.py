"""Visits dual write."""

from alembic import op
from refactoring import VISITS

revision = "c003"
down_revision = "c002"


def upgrade() -> None:
    for site in ("north", "south"):
        op.dual_write(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_dual_write(VISITS, schema=site)

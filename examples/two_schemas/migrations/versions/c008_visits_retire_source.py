"""Visits retire source."""

from alembic import op
from refactoring import VISITS

revision = "c008"
down_revision = "c007"


def upgrade() -> None:
    for site in ("north", "south"):
        op.retire_source(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_retire_source(VISITS, schema=site)

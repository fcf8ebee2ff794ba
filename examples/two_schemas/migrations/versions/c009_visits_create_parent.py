"""Visits create parent."""

from alembic import op
from refactoring import VISITS

revision = "c009"
down_revision = "c008"


def upgrade() -> None:
    for site in ("north", "south"):
        op.create_parent(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_create_parent(VISITS, schema=site)

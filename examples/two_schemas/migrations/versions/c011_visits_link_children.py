"""Visits link children."""

from alembic import op
from refactoring import VISITS

revision = "c011"
down_revision = "c010"


def upgrade() -> None:
    for site in ("north", "south"):
        op.link_children(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_link_children(VISITS, schema=site)

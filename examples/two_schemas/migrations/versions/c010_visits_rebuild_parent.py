"""Visits rebuild parent."""

from alembic import op
from refactoring import VISITS

revision = "c010"
down_revision = "c009"


def upgrade() -> None:
    for site in ("north", "south"):
        op.rebuild_parent(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_rebuild_parent(VISITS, schema=site)

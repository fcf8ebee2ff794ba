"""Visits stop parallel save."""

from alembic import op
from refactoring import VISITS

revision = "c012"
down_revision = "c011"


def upgrade() -> None:
    for site in ("north", "south"):
        op.stop_parallel_save(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_stop_parallel_save(VISITS, schema=site)

"""Bookings stop parallel save."""

from alembic import op
from refactoring import BOOKINGS

revision = "c015"
down_revision = "c014"


def upgrade() -> None:
    op.stop_parallel_save(BOOKINGS)


def downgrade() -> None:
    op.undo_stop_parallel_save(BOOKINGS)

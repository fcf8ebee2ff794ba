"""Bookings create parent."""

from alembic import op
from refactoring import BOOKINGS

revision = "c004"
down_revision = "c003"


def upgrade() -> None:
    op.create_parent(BOOKINGS)


def downgrade() -> None:
    op.undo_create_parent(BOOKINGS)

"""Bookings rebuild parent."""

from alembic import op
from refactoring import BOOKINGS

revision = "c005"
down_revision = "c004"


def upgrade() -> None:
    op.rebuild_parent(BOOKINGS)


def downgrade() -> None:
    op.undo_rebuild_parent(BOOKINGS)

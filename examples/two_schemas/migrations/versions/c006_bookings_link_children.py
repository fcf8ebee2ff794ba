"""Bookings link children."""

from alembic import op
from refactoring import BOOKINGS

revision = "c006"
down_revision = "c005"


def upgrade() -> None:
    op.link_children(BOOKINGS)


def downgrade() -> None:
    op.undo_link_children(BOOKINGS)

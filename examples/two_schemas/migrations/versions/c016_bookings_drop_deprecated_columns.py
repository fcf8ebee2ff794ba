"""Bookings drop deprecated columns."""

from alembic import op
from refactoring import BOOKINGS

revision = "c016"
down_revision = "c015"


def upgrade() -> None:
    op.drop_deprecated_columns(BOOKINGS)


def downgrade() -> None:
    op.undo_drop_deprecated_columns(BOOKINGS)

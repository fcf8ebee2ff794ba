"""Rooms."""

from alembic import op

revision = "c007"
down_revision = "c006"


def upgrade() -> None:
    op.execute("CREATE TABLE room (id integer PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE room")

"""Visits drop retired table."""

from alembic import op
from refactoring import VISITS

revision = "c014"
down_revision = "c013"


def upgrade() -> None:
    for site in ("north", "south"):
        op.drop_retired_table(VISITS, schema=site)


def downgrade() -> None:
    for site in ("south", "north"):
        op.undo_drop_retired_table(VISITS, schema=site)

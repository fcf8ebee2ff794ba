"""Create the legacy tables, or adopt those that exist.

Revision ID: 0001
Revises:

Deploy: Before everything else.
Locks: Creates tables, and locks none that is in use. Existing tables are only read and compared.
Undo: Drops the tables that it created if they are empty. Adopted tables stay.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.legacy_baseline(SPLIT)


def downgrade() -> None:
    op.undo_legacy_baseline(SPLIT)

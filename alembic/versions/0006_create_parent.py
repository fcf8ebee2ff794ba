"""Create the new, empty programme_membership, and record every write for it.

Revision ID: 0006
Revises: 0005

Deploy: When no code means the old table by the name programme_membership any more.
Locks: curriculum_membership SHARE ROW EXCLUSIVE: waited for 50 ms, held 20 ms at most.
Undo: Drops the empty table.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_parent(SPLIT)


def downgrade() -> None:
    op.undo_create_parent(SPLIT)

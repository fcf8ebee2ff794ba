"""Allow writes to either table, and carry each over in the same transaction.

Revision ID: 0004
Revises: 0003

Deploy: Before the code that writes curriculum_membership.
Locks: Both tables SHARE ROW EXCLUSIVE, then curriculum_membership ACCESS EXCLUSIVE: waited for 50
    ms, held 20 ms at most.
Undo: Closes the copy to writers again. What they wrote is in both tables.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.dual_write(SPLIT)


def downgrade() -> None:
    op.undo_dual_write(SPLIT)

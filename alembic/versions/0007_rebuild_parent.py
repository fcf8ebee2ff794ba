"""Fill programme_membership with one row for each distinct key.

Revision ID: 0007
Revises: 0006

Deploy: At any time. Applications cannot reach the table yet.
Locks: curriculum_membership SHARE ROW EXCLUSIVE and ACCESS EXCLUSIVE once each, the tables that it
    refers to SHARE ROW EXCLUSIVE: waited for 50 ms, held 20 ms at most.
Undo: Empties the table. It can be filled from curriculum_membership again.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rebuild_parent(SPLIT)


def downgrade() -> None:
    op.undo_rebuild_parent(SPLIT)

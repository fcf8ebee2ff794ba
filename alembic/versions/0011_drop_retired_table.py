"""Drop the retired table.

Revision ID: 0011
Revises: 0010

Deploy: When nobody needs the retired table any more.
Locks: programme_membership_retired ACCESS EXCLUSIVE: waited for 50 ms, held 20 ms at most.
Undo: Creates the table, empty. The downgrade of 0005 fills it.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_retired_table(SPLIT)


def downgrade() -> None:
    op.undo_drop_retired_table(SPLIT)

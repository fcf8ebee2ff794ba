"""Link each curriculum_membership to its programme_membership, and keep both equal.

Revision ID: 0008
Revises: 0007

Deploy: Before the code that writes programme_membership and the link.
Locks: Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE four times: waited for 50 ms, held 20
    ms at most. Batches lock the rows of groups that disagree. If your own triggers stand on a
    table, each batch (about 20 ms) holds SHARE ROW EXCLUSIVE on it, and all its writers wait.
Undo: Restores the values that were replaced, and keeps the uuids in the ledger. Is refused, with a
    list, while a programme_membership has no curriculum_membership.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.link_children(SPLIT)


def downgrade() -> None:
    op.undo_link_children(SPLIT)

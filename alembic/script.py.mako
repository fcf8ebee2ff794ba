"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

Deploy: Before or after the code that needs it?
Locks: Which, and for how long?
Undo: What does it do, and what does it cost?
"""

from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}

"""The lease of a study: which coordinator holds it, and until when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("studies", sa.Column("holder", sa.String(200), nullable=False, server_default=""))
    op.add_column("studies", sa.Column("until", sa.Float))


def downgrade() -> None:
    """Remove the columns."""
    for column in ("until", "holder"):
        op.drop_column("studies", column)

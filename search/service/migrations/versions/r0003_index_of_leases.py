"""An index on the ends of leases: each supervisor asks every few seconds which ones have run out."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_studies_until", "studies", ["until"])


def downgrade() -> None:
    """Remove the index."""
    op.drop_index("ix_studies_until", "studies")

"""What Alembic runs to migrate the database of the connection that it is given."""

from __future__ import annotations

from alembic import context

from search.service.schema import metadata

AS_SCRIPT = "env_py"
"""The name under which Alembic loads this file; under any other nothing happens."""


def migrate() -> None:
    """Run the migrations that are missing."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()


if __name__ == AS_SCRIPT:
    migrate()

"""The name under which a database is made cannot be known before: a project folder may hold links of such names."""

import os
from pathlib import Path

import pytest

from search.tracking import stores
from search.tracking.writers import schema

AHEAD = 5000
"""Processes that may start between this one and the one that makes the database."""


@pytest.mark.slow
def test_a_database_was_made_through_a_link_of_the_name_that_it_has_for_a_while_bug(tmp_path):
    """The number of a process stood in that name, and folders hold links for all numbers."""
    victim = tmp_path / "elsewhere.db"
    path = tmp_path / "mlruns" / "mlflow.db"
    path.parent.mkdir()
    most = int(Path("/proc/sys/kernel/pid_max").read_text()) if Path("/proc").is_dir() else 99_999
    for number in range(os.getpid(), os.getpid() + AHEAD):
        path.with_name(f"{path.name}.{number % most}.new").symlink_to(victim)
    schema.create(path)
    assert stores.has_tables(path)
    assert not path.is_symlink()
    assert not victim.exists()

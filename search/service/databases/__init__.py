"""The two kinds of databases that a queue may be in: a SQLite file, and the PostgreSQL store of a project."""

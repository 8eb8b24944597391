"""Fitted models as files that are used without the store: `formats` is the table of formats, `files` writes and checks one."""

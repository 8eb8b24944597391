"""The HTTP interface: `app` puts it together, `entry` decides who gets in, and each other file is a part of the contract.

Routes hold no rules of their own: they read a request, ask `search.service.desk` in a thread (`work`), and answer. Every error
is a problem document (`problems`). Every route names its scope (`scopes`).
"""

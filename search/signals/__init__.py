"""SIGINT, SIGTERM and SIGHUP: what the command does with them, and what the library does with Ctrl-C.

Only the command installs handlers (`command`). A program that uses `BPSearchCV` keeps its own; `interruption` works with
whatever handlers there are.
"""

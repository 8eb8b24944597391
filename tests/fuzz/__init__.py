"""Fuzz targets, and what runs them: ``python -m tests.fuzz`` (`make fuzz`).

A target is a module of this folder with

- ``NAME``, a word,
- ``GOAL``, the number of attempts of a full run,
- ``SHORT``, the number of attempts in the tests,
- ``attempt(seed, number, folder)``, which makes one attempt in an empty folder, the current one. It follows from `seed` and
  `number` alone. The result is None, or one line that says which fault was found,
- ``prepare()``, if something takes long once, such as to compile: each process calls it before its first attempt,
- ``SECONDS``, the time of work after which an attempt hangs, if it is not 20.

Whatever else an attempt does wrong is found by the runner: an exception, also in another thread, a traceback on standard output
or error, no end within 20 seconds of work or two minutes, too much memory, a process that dies.
"""

"""How much trouble in training is detected, explained and repaired: a labeled corpus of faulty and healthy fits, and a wild set.

A fault is a row of a table (`corpus`) or drawn at random (`wild`). Whether it did harm is decided by its effect on the run
(`labels`), never by the fault itself. bpmodel and the rules of other systems (`baselines`) judge the same runs.
"""

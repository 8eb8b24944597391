"""How well trouble in training is noticed, explained and repaired: a labelled corpus of faulty and healthy fits, and a wild set.

A fault is a row of a table (`corpus`) or drawn at random (`wild`). Whether it did harm is decided by what it did to the run
(`labels`), never by the fault that was put in. The same runs are judged by bpmodel and by the rules of others (`baselines`).
"""

"""What all tests share."""

from bpmodel.compiler.announcement import silence

silence()  # what is compiled in the first test that needs it is no part of what that test prints

"""What the search should be told of diverged trials: every penalty with every method that learns.

`landscapes` makes spaces up, `trials` runs studies there and on real networks, with the search's own samplers and penalties, and
`report` makes tables of them.
"""

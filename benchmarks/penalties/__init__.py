"""What the search should be told about diverged trials: every penalty with every method that learns.

`landscapes` makes up spaces. `trials` runs studies there and on real networks, with the samplers and penalties of the search.
`report` turns them into tables.
"""

"""The service: a queue of studies, coordinators that run them on shared workers, and the ways in.

`states` is the one table of what a study may be and become. `queue` keeps the list of studies, `submission` checks and adds one,
`supervisor` starts a `coordinator` process for each study that runs, and `cluster` is where their trials are evaluated. Nothing
outside this folder imports it but the command line.
"""

"""The service for assistants: what language models can ask, and if it is allowed, do, by the Model Context Protocol.

`tools` is the table of tools; `reading` and `writing` have them, each a class of its arguments with what it answers.
`answers` keeps what is answered short. `server` speaks the protocol; `serving` has the two ways in, standard input and
HTTP.
"""

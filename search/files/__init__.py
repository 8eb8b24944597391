"""Files that the search writes and locks: none is written or opened for writing in another way."""

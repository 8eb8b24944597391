"""Values written as text: numbers, dates, durations and truth values, as people and programs write them.

A file for each. It has

- ``formats(texts, counts, hints)``, which returns the ways in which these texts may be written, the likeliest first: each is a
  dict of JSON values, so that a fitted transformer can keep it;
- ``read(texts, format)``, which returns an array of floats, NaN for what cannot be read.

The texts are `clean`: different from each other, without blanks around them.
"""

"""How fast ScamSieve is, beside what one would take instead; nothing here is a test.

`python -m tests.bench` runs it all. Begin with `roster.py` (who runs), then `measure.py` (how a run is measured from outside) and
`compare.py` (in which order). The contenders themselves are small programs in `contenders/`, as a user would write them.
"""

"""`scamsieve demo`: broker, worker and a sample feed on one machine, in half a minute.

Reading order: `run` (start here: what happens, step by step), `material` (what is sent; the *.jsonl beside it are its messages,
written for this project and never trained on), `service` (the worker), `watch` (what comes out, held against what is known),
`screen` (what is seen).
"""

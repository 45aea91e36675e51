"""Day two: the commands of those who run ScamSieve.

Reading order: `cli` (the commands), `reading` (a range of a topic, read from outside any group), `replay` (judge it again),
`dead_letters` and `retry` (what could not be read, and back again), `status` (is it working), `plan` (how much of everything a rate
takes) and `autoscale` (a day of it).
"""

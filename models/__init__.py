"""What a classifier is. Pure: no Kafka, no clock, no environment; imports neither `stream` nor `training`.

Reading order: `message` (what is read), `characters` (what each code point is), `text` (canonical text of a batch) with `refang` and
`deobfuscate` (tricks undone in it), `ngrams`, `links`, `numbering`, `signals` (what is measured on it), `languages` (which script a
message is in), `classifier` (a batch of messages -> probabilities), `thresholds` (by language, what is flagged), `explain` (a few
messages -> reasons, category, language), `artifact` (a model on disk), `npz` and `signature` (how its arrays are read, and who
vouches for it).
"""

"""What a classifier is. Pure: no Kafka, no clock, no environment; imports neither `stream` nor `training`.

Reading order: `message` (what is read), `text` (canonical text of a batch), `ngrams`, `links`, `numbering`, `signals`
(what is measured on it), `classifier` (a batch of messages -> probabilities, one message -> reasons), `artifact` (a model
on disk), `languages` (which language a message is in).
"""

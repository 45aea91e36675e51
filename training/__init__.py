"""The offline side: whatever runs on a labelled set. Imports `models`, never `stream`.

Reading order: `data` (labelled messages from files), `split` (folds without near-duplicates across), `fit` (features and
classifier), `calibrate` (scores that mean the same in every script), `heads` (category and language), `thresholds` (what is
flagged), `release` (all of these, to a model folder), `evaluate` (a model against labelled data), `attacks` (what gangs do to a
text, with `padding`), `report` (what people read), `cli` (the commands). `corpus/` holds the labelled messages that were written
for this project.
"""

"""The offline side: whatever runs on a labelled set. Imports `models`, never `stream`.

Reading order: `data` (labelled messages from files), `split` (folds without near-duplicates across), `fit` (features and
classifier), `calibrate` (scores that mean the same in every script), `heads` (category and language), `thresholds` (what is
flagged), `release` (all of these, to a model folder), `gate` (whether a candidate is worse than the live
model), `sign`, `pointer` (how workers come to trust and to find a model).

Then what is measured: `evaluate` (a model against labelled data, with `intervals`), `judges` (one model, or those of a
cross-validation), `overlap` (what a model may have seen is left out), `views` (without links, text or metadata), `attacks` (what
gangs do to a text, with `padding`) and `robustness` (what that costs), `baselines`, `categories`; `assessment` puts it together,
`tables`, `page` and `pictures` show it, `reports` writes it. `sources` and `fetch` bring public sets, `report` writes the card of
a model, `cli` and `cli_release` have the commands. `corpus/` holds the labelled messages that were written for this project.
"""

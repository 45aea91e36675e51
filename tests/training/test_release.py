"""`training.release`: from rows to a model folder that proves itself."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.artifact import Golden, Model, load
from models.message import Message, Origin
from tests.training.rows import SMALL, row, silent
from training import calibrate, release
from training.data import CORPUS, UNSTATED, Found, Row, read
from training.release import ODD, Trained, TrainingError

Writer = Callable[[Path], Model]


def test_serving_reproduces_the_pipeline_on_every_message(write_small: Writer, small: Trained, tmp_path: Path) -> None:
    """Look-ups in 32-bit weights and scikit-learn's sparse product agree to 1e-6, on the whole corpus."""
    messages = [r.message for r in read([CORPUS]).rows]
    served = write_small(tmp_path / "0.0.1").classifier.score(messages).probabilities
    assert np.abs(served - calibrate.predict(small.pipeline, small.calibration, messages)).max() < 1e-6


def test_golden_messages_are_of_the_corpus_or_made_up(write_small: Writer, tmp_path: Path) -> None:
    """Whatever a model has learned from, no other text goes into its folder."""
    write_small(tmp_path / "0.0.1")
    lines = (tmp_path / "0.0.1" / "golden.jsonl").read_bytes().split(b"\n")[:-1]
    golden = [msgspec.json.decode(line, type=Golden) for line in lines]
    known = {r.message.text: r for r in read([CORPUS]).rows}
    chosen = [known[g.message.text] for g in golden if g.message.text in known]
    assert {g.message.text for g in golden} - known.keys() == set(ODD)
    assert len({(r.lang, r.label) for r in chosen}) == len({(r.lang, r.label) for r in known.values()})
    assert {bool(g.message.sender) for g in golden} == {True, False}


def test_the_same_rows_and_seed_give_the_same_weights(corpus_slice: list[Row], small: Trained) -> None:
    again = release.train(corpus_slice, SMALL, 0.05, silent)
    assert (release.serving(again, SMALL).ngram_weights == release.serving(small, SMALL).ngram_weights).all()
    assert again.thresholds == small.thresholds


def test_the_manifest_tells_version_data_and_figures(write_small: Writer, corpus_slice: list[Row], tmp_path: Path) -> None:
    model = write_small(tmp_path / "0.0.1")
    manifest = model.manifest
    assert (model.version, manifest.created) == ("0.0.1", "2026-01-01")
    assert sum(source.messages for source in manifest.training_data) == len(corpus_slice)
    assert {source.licence for source in manifest.training_data} == {UNSTATED}
    assert sum(manifest.score_histogram) == pytest.approx(1, abs=1e-4)
    assert manifest.metrics["out_of_fold"][-1]["scam"] == sum(r.label == "scam" for r in corpus_slice)
    assert load(tmp_path / "0.0.1").sha256 == model.sha256


def test_the_card_names_data_and_limits(write_small: Writer, tmp_path: Path) -> None:
    write_small(tmp_path / "0.0.1")
    card = (tmp_path / "0.0.1" / "CARD.md").read_text(encoding="utf-8")
    assert all(part in card for part in ("# ScamSieve model 0.0.1", "| corpus/en |", "## For, and not for", "## Limits", "## Thresholds"))


def test_a_foreign_number_is_more_suspicious_than_the_banks_own_name(write_small: Writer, tmp_path: Path) -> None:
    """The same text: registered name on the domestic route, nothing known, foreign mobile number."""
    text = "Your account statement is ready. Log in at http://secure-login.top to view it."
    bank = Message(text=text, sender="DBS", recipient="+6591234567", origin=Origin(country="SG", route="a2p"))
    abroad = Message(text=text, sender="+85512345678", recipient="+6591234567", origin=Origin(country="KH", route="international"))
    low, high = write_small(tmp_path / "0.0.1").classifier.score([bank, abroad]).probabilities[:, 0]
    assert low < high


def test_scores_tell_scams_from_the_rest_out_of_fold(small: Trained) -> None:
    """A floor, far below what it reaches: a broken feature or label order falls through it."""
    area = small.out_of_fold[-1].auc
    assert area is not None
    assert area > 0.75


def test_too_few_messages_of_a_label_are_refused() -> None:
    rows = [row(f"text number {'abcdefghijklmnop'[i]}", label) for label in ("scam", "benign") for i in range(12)]
    with pytest.raises(TrainingError, match="0 of promo"):
        release.prepare(Found(rows), silent)


def test_a_label_that_is_one_campaign_is_refused(corpus_slice: list[Row]) -> None:
    campaign = "get forty percent off all shoes this weekend at our shop on the corner of main street, while stocks last, {}"
    promos = [row(campaign.format("abcdefghijkl"[i]), "promo") for i in range(12)]
    with pytest.raises(TrainingError, match="promo are nearly all near-duplicates"):
        release.train([*[r for r in corpus_slice if r.label != "promo"], *promos], SMALL, 0.05, silent)


def test_preparing_removes_duplicates_and_counts_them(corpus_slice: list[Row]) -> None:
    found = Found([*corpus_slice, *corpus_slice[:5]], {}, Counter())
    assert len(release.prepare(found, silent)) == len(corpus_slice)
    assert found.left_out["duplicates"] == 5

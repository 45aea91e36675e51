"""`training.assessment`: what is taken away is named, and scores are held against shares."""

import numpy as np
import pytest

from tests.training.rows import row
from training import assessment, views
from training.evaluate import Scored


def test_calibration_compares_scores_with_shares_of_scams() -> None:
    scores = np.array([0.05, 0.05, 0.95, 0.95, 1.0])
    told = assessment.calibration(scores, np.array([False, True, True, True, True]))
    assert [each.messages for each in told.bins] == [2, 3]
    assert told.bins[0].scam == 0.5
    assert told.expected_error == pytest.approx(0.4 * 0.45 + 0.6 * (1 - 2.9 / 3))
    assert told.brier == pytest.approx(np.mean([0.0025, 0.9025, 0.0025, 0.0025, 0.0]))


def test_links_are_masked_and_the_rest_stays() -> None:
    found = views.links_masked(row("pay at https://a.top/x?y=1 or dbs-help.com now", sender="+6591234567"))
    assert ".top" not in found.message.text
    assert "dbs" not in found.message.text
    assert found.message.text.split() == ["pay", "at", "or", "now"]
    assert found.message.sender == "+6591234567"


def test_metadata_alone_has_no_text_and_a_channel_is_no_metadata() -> None:
    assert views.metadata_alone(row("text", sender="Bank")).message.text == ""
    assert views.has_metadata(row("text", sender="Bank"))
    assert not views.has_metadata(row("text", channel="sms"))


def test_views_of_what_has_metadata_are_over_those_messages_only() -> None:
    rows = [row("a", "scam", sender="+1"), row("b", "benign", sender="Bank"), row("c", "benign")]

    def judge(given: object) -> Scored:
        told = np.array([0.9, 0.2, 0.1])
        return Scored(given, told, told > 0.5, told > 0.5)  # type: ignore[arg-type]  # rows, whatever the form

    lines = {line.name: line for line in assessment.views(judge, judge(rows), 0.5)}
    assert lines["as they are"].figures.benign == 2
    assert lines["their metadata alone"].figures.benign == 1
    assert lines["as they are"].recall_at_one["0.005"] == 1.0

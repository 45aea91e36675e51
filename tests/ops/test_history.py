"""The past that is backfilled is what the released model makes of the feed: else pictures and scenes would tell of two worlds."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from models import artifact
from models.classifier import CLASSES
from stream.judge import judge
from stream.metrics import stability_index
from stream.policy import FLAG, REVIEW, Policy
from stream.wire import Decoder, Event, Limits
from tests.integration.records import Topics
from tests.ops import history
from tests.ops.stage import NO_BROKER, Feed, Stage

MESSAGES = 20_000


def test_the_backfilled_figures_are_those_of_the_released_model(tmp_path: Path) -> None:
    model = artifact.load(artifact.released())
    feed = Feed(Stage(NO_BROKER, Topics("messages", "alerts", "dead-letters"), tmp_path, {}), 0.0)
    decode = Decoder(Event, Limits()).decode
    judged = judge(model, Policy(), [decode(json.dumps(feed.message(int(1000 * time.time()))).encode()) for _ in range(MESSAGES)])
    for decision, share in ((FLAG, history.FLAGGED), (REVIEW, history.REVIEWED)):
        assert np.mean(judged.decisions.decisions == decision) == pytest.approx(share, abs=0.002)
    usual = np.array(model.manifest.score_histogram)
    scores = judged.scores.probabilities[:, CLASSES.index("scam")]
    recent, _ = np.histogram(scores, len(usual), (0, 1))
    assert stability_index(usual, recent / MESSAGES) == pytest.approx(history.PSI, abs=0.05)

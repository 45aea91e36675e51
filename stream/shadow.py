"""A second model that judges beside the live one, to see how it would do before it is released: it is counted, and nothing else.

What it promises: no alert, no dead letter and no offset depends on it. It judges a batch after that was delivered, in the thread
that delivers; what it raises is caught. A shadow that fails is switched off until there is another one in its place.

What it costs: about as much as the live model again, and so nearly half of the throughput of a worker that has no time to spare. That the
two judge in different threads helps little, for both want Python's lock most of the time.
"""

from collections import Counter as Tally

import numpy as np

from models.artifact import Model
from stream.batch import Judged
from stream.errors import ModelError
from stream.judge import judge
from stream.logs import log
from stream.metrics import ShadowMetrics
from stream.model import ModelFile


class Shadow:
    """The shadow, if there is one at the moment. `follow` is for the thread that follows models, `look` for the one that delivers."""

    def __init__(self, file: ModelFile, metrics: ShadowMetrics) -> None:
        self.file, self.metrics = file, metrics
        self.model: Model | None = None
        self.off = ""
        """Why there is none."""

    def follow(self) -> None:
        """Take the model that the name stands for now; one that cannot be served leaves none."""
        try:
            model = self.file.poll()
        except ModelError as error:
            self.model, self.off = None, str(error)
            self.metrics.failures.inc()
            log.error("shadow model refused, there is none now", code=error.code, why=str(error))
            return
        if model is not None:
            self.model, self.off = model, ""
            log.info("shadow model taken", version=model.version, sha256=model.sha256)

    def look(self, judged: Judged) -> None:
        """Judge a delivered batch, and count where the two decide otherwise. Never raises."""
        model = self.model
        if model is None:
            return
        try:
            self._count(judged, model)
        except Exception as error:  # noqa: BLE001 whatever it is, the live model goes on
            if self.model is model:
                self.model, self.off = None, f"judging raised {type(error).__name__}"
            self.metrics.failures.inc()
            log.error("shadow model switched off", version=model.version, exception=type(error).__name__)

    def _count(self, judged: Judged, model: Model) -> None:
        live, messages = judged.judgement, judged.decoded.messages
        other = judge(model, judged.policy, messages)
        languages = live.model.classifier.languages(messages, live.scores.scripts)
        kinds = [(message.operator, language) for message, language in zip(messages, languages, strict=True)]
        differing = np.flatnonzero(other.decisions.decisions != live.decisions.decisions).tolist()
        self.metrics.count(Tally(kinds), Tally(kinds[i] for i in differing), judged.policy)

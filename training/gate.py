"""Whether a candidate is worse than the live model beyond chance, on labelled messages that neither has learned from.

Both judge the same messages, so each question is one of pairs (McNemar, 1947): of the messages that only one of the two gets wrong, are
more the candidate's than a fair coin would give? The test is exact and one-sided. Asked are four questions, over all messages and
for each language, and the p-values are corrected for their number (Holm, 1979): of two models that are equally good, one in twenty
pairs is refused at most. What is worse somewhere and better elsewhere is refused as well: a person may accept that, by name.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from scipy.stats import binomtest

from training import evaluate
from training.evaluate import ALL, Bools, Scored

CHANCE = 0.05
LEAST = 100  # scams, and benign messages; with fewer, even a model that is far worse would pass


class GateError(Exception):
    """Data on which two models cannot be told apart."""


QUESTIONS = {
    "scams-at-rate": "scams missed, each model at the threshold that the given rate of a language's benign messages reaches",
    "scams": "scams missed at the models' own thresholds",
    "benign": "benign messages flagged at the models' own thresholds",
    "promo": "promotions flagged at the models' own thresholds",
}


class Answer(msgspec.Struct, frozen=True):
    """One question about a language, or about all: how many messages only the candidate, or only the live model, gets wrong."""

    question: str
    """One of QUESTIONS."""
    language: str
    messages: int
    only_candidate: int
    only_live: int
    p_value: float
    """Corrected for the number of questions."""
    accepted: bool = False

    @property
    def worse(self) -> bool:
        """The candidate is worse here, beyond chance."""
        return self.p_value < CHANCE


def compare(candidate: Scored, live: Scored, rate: float, accepted: Sequence[str] = ()) -> list[Answer]:
    """All answers, the least likely ones first; `accepted` are questions, or questions and languages as in `promo/th`.

    Raises GateError if there are too few messages, or if what is accepted is no question.
    """
    for name in accepted:
        if name.partition("/")[0] not in QUESTIONS:
            raise GateError(f"{name!r} cannot be accepted: it is none of {', '.join(QUESTIONS)}, with or without a /language")
    for label in ("scam", "benign"):
        found = sum(row.label == label for row in candidate.rows)
        if found < LEAST:
            raise GateError(f"{found} messages of {label} are too few to tell two models apart; at least {LEAST} are needed")
    answers = sorted(_answers(candidate, live, rate), key=lambda answer: answer.p_value)
    corrected = np.maximum.accumulate([min(1.0, (len(answers) - i) * answer.p_value) for i, answer in enumerate(answers)])
    told = zip(answers, corrected.tolist(), strict=True)
    return [msgspec.structs.replace(a, p_value=p, accepted=bool({a.question, f"{a.question}/{a.language}"} & {*accepted})) for a, p in told]


def refused(answers: Sequence[Answer]) -> bool:
    """Whether the candidate is worse in something that nobody has accepted."""
    return any(answer.worse and not answer.accepted for answer in answers)


def _answers(candidate: Scored, live: Scored, rate: float) -> Iterator[Answer]:
    spoken = np.array([row.lang for row in live.rows])
    label = np.array([row.label for row in live.rows])
    questions: Sequence[tuple[str, str, Bools, Bools]] = (
        ("scams-at-rate", "scam", ~evaluate.in_language(candidate, rate), ~evaluate.in_language(live, rate)),
        ("scams", "scam", ~candidate.flagged, ~live.flagged),
        ("benign", "benign", candidate.flagged, live.flagged),
        ("promo", "promo", candidate.flagged, live.flagged),
    )
    for question, about, wrong, wrong_before in questions:
        languages = sorted(set(spoken[label == about].tolist()))
        for language in [ALL, *languages] if len(languages) > 1 else languages:
            within = (label == about) & ((spoken == language) | (language == ALL))
            only = int((wrong & ~wrong_before & within).sum())
            only_before = int((~wrong & wrong_before & within).sum())
            p_value = float(binomtest(only, only + only_before, alternative="greater").pvalue) if only else 1.0
            yield Answer(question, language, int(within.sum()), only, only_before, p_value)

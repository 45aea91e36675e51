from collections import Counter
from datetime import UTC, datetime

import pytest
from rich.console import Console

from stream.demo import screen
from stream.demo.material import malformed, messages, samples
from stream.demo.screen import Now
from stream.demo.service import environment
from stream.demo.watch import Outcome
from stream.errors import RECORD_ERROR_CODES, RecordError
from stream.settings import Settings, read
from stream.wire import Alert, AlertReason, Decoder, Event, Indicators, Limits, ModelReference, PolicyReference


def outcome_of(decisions: dict[str, str]) -> Outcome:
    """A run of the whole feed in which the named messages were given these decisions."""
    outcome = Outcome({sample.identity: sample for sample in samples()})
    for sample in outcome.known.values():
        outcome.sent[sample.identity] = 0.0
        if sample.code:
            outcome.dead[sample.identity] = sample.code
        else:
            outcome.sent_by[sample.language, sample.label] += 1
    for identity, decision in decisions.items():
        sample = outcome.known[identity]
        outcome.decided_by[sample.language, sample.label, decision] += 1
        outcome.alerts[identity] = alert(identity, decision)
        outcome.seconds.append(0.05)
    return outcome


def alert(identity: str, decision: str) -> Alert:
    return Alert(
        id=identity,
        message_id=identity,
        operator="o",
        score=0.9,
        decision="flag" if decision == "flag" else "review",
        category="job",
        reasons=[AlertReason("text", "money", 1.0)],
        indicators=Indicators([], [], [], []),
        text="easy money [bold]x[/bold]",
        language="en",
        model=ModelReference("0.1.0", "0"),
        policy=PolicyReference("model", 0.5),
        sender="",
        recipient="",
        sent_at=0,
        detected_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_the_feed_speaks_at_least_eight_languages_and_knows_what_its_messages_are() -> None:
    rows = messages()
    assert len({row.lang for row in rows}) >= 8
    assert {row.label for row in rows} == {"scam", "promo", "benign"}
    assert len({row.id for row in rows}) == len(rows) > 1500


def test_every_message_of_the_feed_can_be_read_by_the_worker_and_carries_no_label() -> None:
    decoder = Decoder(Event, Limits())
    for sample in samples():
        if not sample.code:
            assert decoder.decode(sample.value).id == sample.identity
            assert sample.value
            assert b'"label"' not in sample.value
            assert b'"kind"' not in sample.value
    assert not decoder.ignored


@pytest.mark.parametrize("sample", malformed(), ids=lambda sample: f"{sample.identity}-{sample.code}")
def test_a_malformed_record_is_refused_with_the_code_that_the_demo_expects(sample: object) -> None:
    with pytest.raises(RecordError) as caught:
        Decoder(Event, Limits()).decode(sample.value)  # type: ignore[attr-defined]
    assert caught.value.code == sample.code  # type: ignore[attr-defined]


def test_malformed_records_show_every_code_but_our_own_fault() -> None:
    assert {sample.code for sample in malformed()} == set(RECORD_ERROR_CODES) - {"internal"}


def test_without_a_number_each_message_comes_once() -> None:
    found = samples()
    assert Counter(sample.identity for sample in found).most_common(1)[0][1] == 1
    assert len(found) == len(messages()) + len(malformed())
    assert found == samples(), "the order is the same in every run"


def test_more_messages_than_there_are_come_again_under_other_ids() -> None:
    count = 2 * len(messages()) + 10
    found = samples(count)
    assert len({sample.identity for sample in found}) == len(found) == count + len(malformed())


def test_a_small_number_is_kept_to() -> None:
    assert len(samples(10)) == 10 + len(malformed())


def test_the_worker_gets_the_demos_settings_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMSIEVE_BROKERS", "prod:9092")
    monkeypatch.setenv("SCAMSIEVE_NONSENSE", "1")
    settings = Settings(brokers="127.0.0.1:1", session_timeout_seconds=6)
    assert read(environment(settings, {"web_port": 7000})) == Settings(
        brokers="127.0.0.1:1", session_timeout_seconds=6, web_port=7000, instance=settings.instance
    )


def test_the_summary_counts_found_missed_and_wrong() -> None:
    scams = [row.id for row in messages() if row.lang == "en" and row.label == "scam"]
    benign = next(row.id for row in messages() if row.lang == "en" and row.label == "benign")
    outcome = outcome_of({scams[0]: "flag", scams[1]: "review", benign: "flag"})
    assert outcome.decided("flag", "en", "scam") == outcome.decided("review", "en") == 1
    assert outcome.decided("flag") == 2
    console = Console(width=80, record=True)
    with console.capture() as capture:
        console.print(screen.summary(outcome))
    english = next(line for line in capture.get().split("\n") if line.strip().startswith("en")).split()
    known = Counter(row.label for row in messages() if row.lang == "en")
    promos, others = f"0/{known['promo']}", f"1/{known['benign']}"
    assert english[2:] == [str(known["scam"]), "1", "1", str(known["scam"] - 2), promos, others, "0"]
    assert "…" not in capture.get(), "the summary fits on 80 columns"


def test_what_is_told_is_what_was_counted() -> None:
    outcome = outcome_of({})
    told = "\n".join(screen.verdict(outcome, judged=7, repeats=3))
    assert f"7 of {len(messages()):,} messages were judged" in told
    assert f"{len(malformed())} of {len(malformed())} malformed" in told
    assert "3 of the messages were repeats" in told
    outcome.dead.popitem()
    assert f"{len(malformed()) - 1} of {len(malformed())} malformed" in "\n".join(screen.verdict(outcome, 7, 0))


def test_the_live_view_and_the_picture_can_be_drawn_at_any_time() -> None:
    scam = next(row.id for row in messages() if row.lang == "en" and row.label == "scam")
    for outcome in (Outcome({}), outcome_of({}), outcome_of({scam: "flag"})):
        with Console(width=80).capture():
            Console().print(screen.live(outcome, Now(0, 0.0, 0)))
        drawn = screen.picture(outcome, ["a line"])
        assert "@font-face" not in drawn
        assert ("[bold]" in drawn.replace("&#160;", " ")) == bool(outcome.alerts), "a message's own brackets are no markup"

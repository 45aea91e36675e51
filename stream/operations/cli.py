"""The commands of day two, as `scamsieve` offers them. What a command needs is imported when it runs."""
# ruff: noqa: PLC0415 imports inside the commands are the point

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream import options
from stream.errors import SettingsError
from stream.options import Brokers, ModelName, Reasons

if TYPE_CHECKING:
    from stream.operations.reading import Reached
    from stream.operations.replay import Tally

Since = Annotated[
    str, typer.Option("--since", help="From here: a time with its zone, an age (90m, 2h, 3d) or an offset.  [default: the beginning]")
]
Until = Annotated[str, typer.Option("--until", help="Up to here, without it: as --since.  [default: the end as it is now]")]
PLACES = "A time is one of the Kafka record, such as 2026-03-14T19:00:00+07:00; an offset is counted in each partition."

dead_letters = typer.Typer(no_args_is_help=True, help="Look at what could not be read or judged, and send it again.")


def replay(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File of verdicts, as `scamsieve score` writes them; - is standard output.", allow_dash=True),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="Topic that the alerts go to, instead of a file; it must be there.")] = "",
    since: Since = "",
    until: Until = "",
    partition: Annotated[list[int] | None, typer.Option("--partition", help="Only this partition; may be given again.", min=0)] = None,
    model: ModelName = "",
    policy: Annotated[str, typer.Option("--policy", help="policy.toml to decide by.  [default: SCAMSIEVE_POLICY]")] = "",
    reasons: Reasons = 5,
    live: Annotated[
        bool, typer.Option("--live", help="Let --to name the live alert topic: its readers get alerts again, with the same ids.")
    ] = False,
    brokers: Brokers = "",
    topic: Annotated[str, typer.Option("--topic", help="Topic to read.  [default: SCAMSIEVE_MESSAGE_TOPIC]")] = "",
) -> None:
    """Judge a range of the message topic again, by a model and a policy of your choice, beside the running workers."""
    from msgspec.structs import replace

    from stream import clients, memory, privacy
    from stream.judge import Disclosure
    from stream.model import open_model
    from stream.operations import reading
    from stream.operations import replay as replaying
    from stream.policy import read
    from stream.progress import counted

    settings = options.settings(brokers, message_topic=topic, policy=policy, model=model)
    if (out is None) == (not to):
        raise SettingsError("say where to: --out FILE for verdicts, or --to TOPIC for alerts")
    memory.keep_freed_pages()
    rules, now = read(settings.policy), reading.now()
    bounds = reading.bound(since, now), reading.bound(until, now)
    by = replaying.Judge(open_model(settings.model), rules, replace(settings, alert_topic=to or settings.alert_topic, reasons=reasons))
    memory.collect_seldom()
    tally, reached = replaying.Tally(), reading.Reached()
    with ExitStack() as open_things:
        consumer = open_things.enter_context(closing(clients.outsider(settings)))
        within = reading.ranges(consumer, settings.message_topic, partition or [], *bounds)
        batches = reading.batches(consumer, settings.message_topic, within, settings.batch_size, reached)
        if to:
            reading.check(consumer, replaying.check_target(settings, to, rules, live))
            disclosure = Disclosure(privacy.read_key(settings.pseudonym_key_file), settings.sender, privacy.masker(settings.text))
            producer = clients.producer(replace(settings, delivery="at_least_once"))
            steps = replaying.to_topic(by, batches, producer, disclosure, tally)
        elif str(out) == "-":
            steps = replaying.to_file(by, batches, options.write, tally)
        else:
            file = open_things.enter_context(Path(str(out)).open("wb"))
            steps = replaying.to_file(by, batches, file.write, tally)
        if gone := sum(one.gone for one in within):
            typer.echo(f"scamsieve: {gone:,} of the offsets asked for are no longer there: the topic's retention has taken them", err=True)
        done = open_things.enter_context(counted(sum(one.expected for one in within), "records"))
        try:
            for _ in steps:
                done(reached.records)
        finally:
            open_things.callback(_tell_replay, tally, reached)


def _tell_replay(tally: "Tally", reached: "Reached") -> None:
    """What was judged, what could not be, and how far it came."""
    typer.echo(f"judged {tally.judged:,} messages: {options.counts(tally.decisions) or 'none'}", err=True)
    if tally.alerts:
        typer.echo(f"sent {tally.alerts:,} alerts", err=True)
    if tally.dead:
        typer.echo(f"could not be read or judged: {options.counts(tally.dead)}", err=True)
    typer.echo(f"read up to: {', '.join(f'{partition}:{offset}' for partition, offset in sorted(reached.offsets.items()))}", err=True)


COMMANDS = (replay,)

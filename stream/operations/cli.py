"""The commands of day two, as `scamsieve` offers them. What a command needs is imported when it runs."""
# ruff: noqa: PLC0415 imports inside the commands are the point

import re
import sys
from contextlib import ExitStack, closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream import options
from stream.errors import SettingsError
from stream.operations.plan import Load
from stream.options import Brokers, ModelName, Reasons

if TYPE_CHECKING:
    from confluent_kafka import Consumer

    from stream.operations.letters import Survey
    from stream.operations.replay import Tally
    from stream.settings import Settings

Since = Annotated[
    str, typer.Option("--since", help="From here: a time with its zone, an age (90m, 2h, 3d) or an offset.  [default: the beginning]")
]
Until = Annotated[str, typer.Option("--until", help="Up to here, without it: as --since.  [default: the end as it is now]")]
DEFAULTS = Load(0)


class Bytes(StrEnum):
    """How bytes are shown."""

    HEX = "hex"
    ESCAPED = "escaped"


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
    targets = replaying.check_target(settings, to, rules, live) if to else []
    trusted = settings.trusted_key_file if to else ""  # alerts come of trusted models alone; a candidate is tried to a file
    by = replaying.Judge(
        open_model(settings.model, trusted), rules, replace(settings, alert_topic=to or settings.alert_topic, reasons=reasons)
    )
    memory.collect_seldom()
    tally, reached = replaying.Tally(), dict[int, int]()
    with ExitStack() as open_things:
        consumer = open_things.enter_context(closing(clients.outsider(settings)))
        within = reading.ranges(consumer, settings.message_topic, partition or [], *bounds)
        batches = reading.batches(consumer, settings.message_topic, within, settings.batch_size, reached)
        if to:
            reading.check(consumer, targets)
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
        open_things.callback(_tell_replay, tally, reached)  # also if it is broken off
        done = open_things.enter_context(counted(sum(one.expected for one in within), "records"))
        judged = 0
        for number in steps:
            judged += number
            done(judged)


def status(
    workers: Annotated[list[str] | None, typer.Argument(help="Addresses of workers' pages: host, host:port or http://host:port.")] = None,
    oldest: Annotated[float, typer.Option("--oldest", help="Seconds that the oldest unread message may be old.", min=0)] = 60,
    seconds: Annotated[float, typer.Option("--timeout", help="Most seconds to wait for an answer.", min=0.1)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    brokers: Brokers = "",
) -> None:
    """Ask workers' pages, and how far their group is behind; exit code 1 if something is not as it should be."""
    import msgspec
    from rich.console import Console

    from stream.operations import status as asking

    told = asking.report(options.settings(brokers), workers or [], seconds, oldest)
    if as_json:
        options.write(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(asking.table(told))
        for note in told.notes:
            typer.echo(note, err=True)
    if not told.healthy:
        raise typer.Exit(1)


def plan(
    rate: Annotated[float, typer.Option("--rate", help="Messages a second when it is busiest.", min=0)] = 0,
    per_day: Annotated[float, typer.Option("--per-day", help="Messages a day, instead of --rate.", min=0)] = 0,
    peak: Annotated[float, typer.Option("--peak", help="The busiest rate over the day's mean.", min=1)] = DEFAULTS.peak,
    headroom: Annotated[
        float, typer.Option("--headroom", help="Speed left over at the busiest, as a share of the rate.", min=0.01)
    ] = DEFAULTS.headroom,
    zones: Annotated[int, typer.Option("--zones", help="Zones, of which one may be lost; 1: none may.", min=1)] = DEFAULTS.zones,
    speed: Annotated[
        float, typer.Option("--speed", help="Messages/s of one worker, as measured on your machines.", min=1)
    ] = DEFAULTS.worker_speed,
    broker: Annotated[
        float, typer.Option("--broker-mb", help="MB/s that one broker writes, copies included.", min=0.1)
    ] = DEFAULTS.broker_megabytes,
    replication: Annotated[int, typer.Option("--replication", help="Copies of each partition.", min=1)] = DEFAULTS.replication,
    retention: Annotated[
        float, typer.Option("--retention-hours", help="How long the message topic keeps its records.", min=0.1)
    ] = DEFAULTS.retention_hours,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Calculate workers, partitions, cores, memory and brokers for a rate of messages, from what was measured. No broker is asked."""
    import msgspec
    from rich.console import Console

    from stream.operations import plan as planning

    if (rate > 0) == (per_day > 0):
        raise SettingsError("say how much: --rate, in messages a second when it is busiest, or --per-day")
    load = planning.Load(rate or per_day / planning.DAY * peak, peak, headroom, zones, speed, broker, replication, retention)
    found = planning.plan(load)
    if as_json:
        options.write(msgspec.json.format(msgspec.json.encode({"load": load, "plan": found}), indent=2) + b"\n")
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(planning.table(load, found))


Code = Annotated[list[str] | None, typer.Option("--code", help="Only letters of this error code; may be given again.")]
Source = Annotated[
    list[int] | None, typer.Option("--partition", help="Only what stood in this partition of its topic; may be given again.", min=0)
]


@dead_letters.command("list")
def list_letters(
    code: Code = None,
    partition: Source = None,
    since: Since = "",
    until: Until = "",
    each: Annotated[bool, typer.Option("--each", help="One row a letter, not their counts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON a letter.")] = False,
    brokers: Brokers = "",
) -> None:
    """Count the dead letters by code and partition, or list them. Their bytes are not shown."""
    import msgspec
    from rich.console import Console

    from stream import clients
    from stream.operations import letters

    settings = options.settings(brokers)
    with closing(clients.outsider(settings)) as consumer:
        found = _survey(consumer, settings, since, until, code, partition)
    if as_json:
        encode = msgspec.json.Encoder().encode
        for letter in found.letters:
            told = {**msgspec.to_builtins(letter), "state": letters.state(letter, found.retried)}
            options.write(encode(told) + b"\n")
        return
    Console(width=None if sys.stdout.isatty() else 160).print(letters.each(found) if each else letters.counts(found))
    typer.echo(f"{len(found.letters):,} dead letters", err=True)
    if found.foreign:
        typer.echo(f"{found.foreign:,} other records on the topic are no dead letters of ScamSieve", err=True)


@dead_letters.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(help="PARTITION:OFFSET on the dead-letter topic, as `list --each` shows it.")],
    value: Annotated[Bytes | None, typer.Option("--bytes", help="Show key, own headers and value as well: personal data.")] = None,
    brokers: Brokers = "",
) -> None:
    """Show a dead letter: where it came from, what is wrong with it, size and SHA-256; its bytes only with --bytes."""
    from stream import clients
    from stream.operations import letters

    settings = options.settings(brokers)
    place = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", letter)
    if not place:
        raise SettingsError(f"{letter!r} is no PARTITION:OFFSET such as 3:4711")
    with closing(clients.outsider(settings)) as consumer:
        record = letters.one(consumer, settings.dead_letter_topic, int(place[1]), int(place[2]))
    for name, told in letters.described(record, whole=value is not None):
        typer.echo(f"{name}: {told}")
    if value is not None:
        typer.echo()
        typer.echo((letters.dumped if value == Bytes.HEX else letters.escaped)(record.value() or b""))


@dead_letters.command("retry")
def retry_letters(
    code: Code = None,
    partition: Source = None,
    since: Since = "",
    until: Until = "",
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent again before and failed again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send them. Without it, only tell what would be sent.")] = False,
    brokers: Brokers = "",
) -> None:
    """Send the records of dead letters to the message topic again, each once. Without --yes it only tells what it would send."""
    from collections import Counter

    from msgspec.structs import replace

    from stream import access, clients, logs
    from stream.operations import retry
    from stream.progress import counted

    logs.configure("warning", "console")
    settings = options.settings(brokers)
    with ExitStack() as open_things:
        consumer = open_things.enter_context(closing(clients.outsider(settings)))
        own = replace(settings, instance=retry.INSTANCE, delivery="exactly_once")
        producer = clients.producer(own)
        if yes:
            access.start(producer, own)  # before the marks are read: it shuts out any other retry
        chosen = retry.plan(_survey(consumer, settings, since, until, code, partition), settings.message_topic, again)
        codes = options.counts(Counter(letter.code for letter in chosen.letters))
        if chosen.left:
            typer.echo(f"left where they are: {options.counts(chosen.left)}", err=True)
        if not yes:
            typer.echo(f"would send {len(chosen.letters):,} records to {settings.message_topic}: {codes or 'none'}", err=True)
            typer.echo("nothing was sent; add --yes to send them", err=True)
            return
        sent = 0
        try:
            with counted(len(chosen.letters), "records") as done:
                for number in retry.send(consumer, producer, settings, chosen.letters) if chosen.letters else ():
                    sent += number
                    done(sent)
        finally:
            typer.echo(f"sent {sent:,} of {len(chosen.letters):,} records to {settings.message_topic}: {codes or 'none'}", err=True)


def _survey(
    consumer: "Consumer", settings: "Settings", since: str, until: str, code: list[str] | None, partition: list[int] | None
) -> "Survey":
    """The letters that options choose, and all marks behind them."""
    from stream.errors import RECORD_ERROR_CODES
    from stream.operations import letters, reading

    if unknown := set(code or ()) - set(RECORD_ERROR_CODES):
        raise SettingsError(f"{min(unknown)!r} is no error code of a record; there are {', '.join(RECORD_ERROR_CODES)}")
    at = reading.now()
    begin, end = reading.bound(since, at), reading.bound(until, at)
    within = reading.ranges(consumer, settings.dead_letter_topic, [], begin, reading.Bound())
    choice = letters.Choice(frozenset(code or ()), frozenset(partition or ()), end)
    return letters.survey(consumer, settings.dead_letter_topic, within, choice)


def _tell_replay(tally: "Tally", reached: dict[int, int]) -> None:
    """What was judged, what could not be, and how far it came."""
    typer.echo(f"judged {tally.judged:,} messages: {options.counts(tally.decisions) or 'none'}", err=True)
    if tally.alerts:
        typer.echo(f"sent {tally.alerts:,} alerts", err=True)
    if tally.dead:
        typer.echo(f"could not be read or judged: {options.counts(tally.dead)}", err=True)
    typer.echo(f"read up to: {', '.join(f'{partition}:{offset}' for partition, offset in sorted(reached.items()))}", err=True)


COMMANDS = (replay, status, plan)

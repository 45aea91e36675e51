"""The demo, step by step."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from stream import admin
from stream.broker import embedded_broker
from stream.demo import screen
from stream.demo.material import Sample, messages, samples
from stream.demo.screen import Now
from stream.demo.service import Service, service
from stream.demo.watch import Outcome, send, watch
from stream.policy import Policy
from stream.settings import Settings
from stream.tail import card

PARTITIONS = 4
LOOK_SECONDS = 0.2  # between two looks at what has come
PLAIN_SECONDS = 5.0  # between two lines where there is no terminal
PATIENCE_SECONDS = 30.0  # without anything new, before what is missing is given up
COMPLETE, INCOMPLETE = 0, 1  # exit codes

Tell = Callable[[str], None]


def run(count: int = 0, rate: float = 75.0, model: str = "", stay: bool = False, svg: Path | None = None) -> int:
    """Broker, topics, worker, feed; shows what comes of it. Returns the exit code: 0 if every record is accounted for."""
    console = Console(highlight=False)
    console.soft_wrap = not console.is_terminal  # a file takes lines of any length
    told, rows = samples(count), messages()
    outcome = Outcome({sample.identity: sample for sample in told})
    with ExitStack() as running:
        with _steps(console) as tell:
            settings, worker = _start(running, model, sorted({row.operator for row in rows}), tell)
        judged = _follow(console, settings, worker, told, rate, outcome)
        lines = screen.verdict(outcome, judged, max(len(told) - len(outcome.malformed) - len(rows), 0))
        console.print(screen.summary(outcome), soft_wrap=False)
        for line in lines:
            console.print(line)
        if svg:
            svg.write_text(screen.picture(outcome, lines), encoding="utf-8")
            console.print(f"The picture is in {svg}.")
        if stay:
            _stay(console, settings, worker)
        else:
            console.print("Next: `scamsieve demo --stay` keeps the pages up; `scamsieve score FILE` judges messages of your own;")
            console.print("`scamsieve worker --help` tells how to run the worker on your Kafka.")
    return COMPLETE if _complete(outcome, judged) else INCOMPLETE


def _complete(outcome: Outcome, judged: int) -> bool:
    """Whether every message was judged, and every malformed record is a dead letter with its code; and nothing else came."""
    malformed = len(outcome.malformed)
    rightly = outcome.rightly_dead.total()
    return judged == len(outcome.known) - malformed and rightly == malformed == len(outcome.dead) and not outcome.strange


def _start(running: ExitStack, model: str, operators: list[str], tell: Tell) -> tuple[Settings, Service]:
    """Start everything but the feed; it ends with `running`."""
    tell("starting the embedded broker")
    bootstrap = running.enter_context(embedded_broker())
    # Short times: the embedded broker keeps a new group waiting about half of a session.
    settings = Settings(brokers=bootstrap, model=model, session_timeout_seconds=6, poll_interval_seconds=10, log_format="console")
    tell("creating the topics")
    admin.create(settings, Policy(), PARTITIONS, 1, lambda _: None)
    tell("starting the worker")
    worker = running.enter_context(service(settings, operators))
    worker.await_ready(lambda why: tell(f"starting the worker ({why})"))
    return settings, worker


def _follow(console: Console, settings: Settings, worker: Service, told: Sequence[Sample], rate: float, outcome: Outcome) -> int:
    """Feed the worker and show what comes, until all has come; returns how many messages it has judged."""
    stop = threading.Event()
    begin = time.monotonic()
    with ThreadPoolExecutor(2) as threads, _shown(console) as show:
        feeding = threads.submit(send, settings, told, rate, outcome, stop)
        watching = threads.submit(watch, settings, outcome, stop)
        try:
            for judged in _looks(worker, outcome, feeding, watching):
                show(outcome, Now(len(told), time.monotonic() - begin, judged))
        finally:
            stop.set()
    return judged


def _looks(worker: Service, outcome: Outcome, feeding: "Future[None]", watching: "Future[None]") -> Iterator[int]:
    """The number of messages judged, again and again, until all is sent and all has come, or nothing comes any more."""
    moved, before = time.monotonic(), (0, 0, 0, 0)
    while True:
        for thread in (feeding, watching):
            if thread.done():
                thread.result()  # raises what the thread raised
        state = worker.status()["scorer"]
        now = (len(outcome.sent), state["judged"], len(outcome.alerts), len(outcome.dead))
        if now != before:
            moved, before = time.monotonic(), now
        yield state["judged"]
        everything = state["judged"] + state["dead_letters"] >= len(outcome.known)
        if feeding.done() and everything and now[2:] == (state["alerts"], state["dead_letters"]):
            return
        if time.monotonic() - moved > PATIENCE_SECONDS:
            return
        time.sleep(LOOK_SECONDS)


@contextmanager
def _steps(console: Console) -> Iterator[Tell]:
    """Tell what is being done before there is anything to see: beside a spinner, or line by line where there is no terminal."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield lambda text: status.update(f"{text} …")
        return
    last = ""

    def tell(text: str) -> None:
        nonlocal last
        if text != last:
            console.print(f"{text} …", markup=False)
        last = text

    yield tell


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Outcome, Now], None]]:
    """Show alerts as they come, above figures that follow them; where there is no terminal, a line of figures now and then."""
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    printed = -PLAIN_SECONDS

    def show(outcome: Outcome, now: Now) -> None:
        nonlocal printed
        while outcome.fresh:
            console.print(card(outcome.fresh.popleft()))
        if live:
            live.update(screen.live(outcome, now), refresh=True)
        elif now.seconds - printed >= PLAIN_SECONDS:
            console.print(screen.headline(outcome, now), markup=False)
            printed = now.seconds

    with live or ExitStack():
        yield show


def _stay(console: Console, settings: Settings, worker: Service) -> None:
    """Keep everything running until Ctrl-C. Raises ScamSieveError if the worker ends."""
    for page in ("/status", "/metrics", "/healthz", "/readyz"):
        console.print(f"  {worker.pages}{page}")
    console.print(f"The broker is at {settings.brokers}: try `scamsieve alerts --from-beginning --brokers {settings.brokers}`")
    console.print("Ctrl-C ends it all.")
    try:
        while True:
            worker.check()
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        console.print("ended")

"""The pages are read-only, bounded, and make no more of themselves than they are."""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.web import AppRunner, TCPSite

from stream import logs, web
from stream.broker import free_port
from stream.health import PAGES, Page
from stream.parts import Parts, assemble
from stream.settings import Settings

METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HOST = "127.0.0.1"


def parts(model_folder: Path, folder: Path, **changes: int) -> Parts:
    (folder / "key").write_text("0123456789abcdef")
    told = {"web_host": HOST, "web_port": free_port(), "model": str(model_folder), "pseudonym_key_file": str(folder / "key")}
    return assemble(Settings(**{**told, **changes}))  # type: ignore[arg-type]


def served(parts: Parts, ask: Callable[[ClientSession, str], Awaitable[None]]) -> None:
    """Ask a server on the ports of the settings."""

    async def run() -> None:
        runner = AppRunner(web.application(parts), access_log=None, **web.LIMITS)
        await runner.setup()
        try:
            for port in filter(None, (parts.settings.web_port, parts.settings.metrics_port)):
                await TCPSite(runner, HOST, port).start()
            async with ClientSession() as session:
                await ask(session, f"http://{HOST}:{parts.settings.web_port}")
        finally:
            await runner.cleanup()

    asyncio.run(run())


@pytest.fixture
def plain(model_folder: Path, tmp_path: Path) -> Parts:
    return parts(model_folder, tmp_path)


def test_every_answer_bears_the_headers_that_bind_a_browser(plain: Parts) -> None:
    async def ask(session: ClientSession, url: str) -> None:
        for path in (*PAGES, "/", "/nothing"):
            async with session.get(url + path) as answer:
                assert {name: answer.headers[name] for name in web.HEADERS} == web.HEADERS
                assert "Access-Control-Allow-Origin" not in answer.headers

    served(plain, ask)


def test_a_page_for_people_may_have_its_style_and_no_more(plain: Parts) -> None:
    async def ask(session: ClientSession, url: str) -> None:
        async with session.get(f"{url}/status", headers={"Accept": "text/html"}) as answer:
            assert answer.content_type == "text/html"
            policy = answer.headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

    served(plain, ask)


def test_pages_are_read_and_nothing_else(plain: Parts) -> None:
    async def ask(session: ClientSession, url: str) -> None:
        for path in PAGES:
            for method in METHODS:
                async with session.request(method, url + path) as answer:
                    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
                    assert await answer.read() == b""
            async with session.head(url + path) as answer:
                assert answer.status in (200, 503)
                assert await answer.read() == b""

    served(plain, ask)


@pytest.mark.parametrize(
    "path", ["/", "/table", "/table/alerts/x", "/router", "/router/alerts/x", "/static/x", "/healthz/../etc", "/%2e%2e/x"]
)
def test_there_are_no_other_pages_and_an_error_repeats_nothing_of_the_question(path: str, plain: Parts) -> None:
    async def ask(session: ClientSession, url: str) -> None:
        async with session.get(url + path + "?<script>") as answer:
            assert answer.status == 404
            assert await answer.read() == b""

    served(plain, ask)


def test_requests_are_bounded_and_write_nothing_into_the_log(plain: Parts, caplog: pytest.LogCaptureFixture) -> None:
    """Long lines, large or many headers, unknown methods and bodies of whatever kind are refused."""
    caplog.set_level(logging.DEBUG)

    async def endless() -> object:
        while True:
            yield b"x" * 65_536

    async def ask(session: ClientSession, url: str) -> None:
        for refused in (
            session.get(f"{url}/status?{'x' * 3000}"),
            session.get(f"{url}/status", headers={"X-Long": "x" * 5000}),
            session.get(f"{url}/status", headers={f"X-{i}": "x" for i in range(100)}),
            session.request("BREW", f"{url}/status"),
        ):
            async with refused as answer:
                assert answer.status == 400
        for body in (b"x", io.BytesIO(b"x" * 10_000_000), endless()):
            try:
                async with session.get(f"{url}/status", data=body) as answer:
                    assert answer.status == 413
            except OSError:  # the server has closed while we went on sending
                pass

    served(plain, ask)
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


def test_a_page_that_fails_is_an_error_without_its_text(
    plain: Parts, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(_parts: Parts, _accept: str) -> Page:
        raise ValueError("+66812345678")

    monkeypatch.setattr(web, "PAGES", {"/status": failing})
    logs.configure()  # to the stream of this test

    async def ask(session: ClientSession, url: str) -> None:
        async with session.get(f"{url}/status") as answer:
            assert answer.status == 500
            assert await answer.read() == b""
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    served(plain, ask)
    shown = capfd.readouterr()
    assert "ValueError" in shown.out + shown.err
    assert "66812345678" not in shown.out + shown.err


def test_metrics_may_have_a_port_of_their_own(model_folder: Path, tmp_path: Path) -> None:
    apart = parts(model_folder, tmp_path, metrics_port=free_port())

    async def ask(session: ClientSession, url: str) -> None:
        metrics = f"http://{HOST}:{apart.settings.metrics_port}"
        for there, path, status in (
            (metrics, "/metrics", 200),
            (url, "/metrics", 404),
            (metrics, "/status", 404),
            (url, "/status", 200),
            (metrics, "/nothing", 404),
        ):
            async with session.get(there + path) as answer:
                assert answer.status == status

    served(apart, ask)

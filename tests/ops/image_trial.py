"""What a container would do, done in the finished tree of an image by its own Python; `image.py` says where and as whom."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SECONDS = 60.0
KEY = "SCAMSIEVE_PSEUDONYM_KEY_FILE"
MESSAGE = b'{"text": "Your parcel is held. Pay the fee: http://sg-post.top/fee", "sender": "+85512345678"}\n'


def page(path: str) -> int:
    """The status that a page of the worker answers with; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:6066{path}", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def worker(entry: list[str], command: list[str], healthcheck: list[str]) -> dict[str, Any]:
    """Without a broker: live, not ready, healthy; and at an end after SIGTERM."""
    read_end, write_end = os.pipe()  # the key of a Secret; nothing here can be written, so it comes by a pipe
    os.write(write_end, b"k" * 32)
    os.close(write_end)
    environment = os.environ | {KEY: f"/dev/fd/{read_end}", "SCAMSIEVE_BROKERS": "127.0.0.1:9"}
    with subprocess.Popen([*entry, *command], env=environment, pass_fds=[read_end], stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + SECONDS
        while (live := page("/healthz")) != 200 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        found = {"healthz": live, "readyz": page("/readyz"), "metrics": page("/metrics")}
        found["healthcheck"] = subprocess.run(healthcheck, check=False).returncode
        running.terminate()
        found["exit"] = running.wait(SECONDS)
    assert found == {"healthz": 200, "readyz": 503, "metrics": 200, "healthcheck": 0, "exit": 0}, found
    return found


def main() -> None:
    """Try an image by what its Dockerfile says of it."""
    told = json.loads(sys.argv[1])
    assert os.getuid() == 10001, os.getuid()
    for folder in ("/", "/opt/scamsieve", "/tmp", os.getcwd()):
        assert not os.access(folder, os.W_OK), f"{folder} can be written"
    assert Path(sys.prefix) == Path("/opt/scamsieve"), sys.prefix
    assert not list(Path(sys.prefix).glob("lib/*/site-packages/pip")), "pip is in the image"
    size = sum(file.lstat().st_size for file in Path(sys.prefix).rglob("*") if file.is_file() and not file.is_symlink())
    found: dict[str, Any] = {"image": told["name"], "environment_megabytes": round(size / 1e6), "user": os.getuid()}
    entry: list[str] = told["entrypoint"]
    if told["name"] == "worker":
        scored = subprocess.run([*entry, "score"], input=MESSAGE, stdout=subprocess.PIPE, check=True)
        found["decision"] = json.loads(scored.stdout)["decision"]
        found |= worker(entry, told["cmd"], told["healthcheck"])
    else:
        subprocess.run([*entry, *told["cmd"]], stdout=subprocess.DEVNULL, check=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

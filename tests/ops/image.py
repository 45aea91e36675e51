"""`python -m tests.ops.image`: deploy/Dockerfile without Docker: its own steps, read from the file, on a throw-away copy of this machine.

Each stage is an overlay over the machine (whose Python stands for the base image's) or over the stage that it comes from, in a mount
namespace that goes with the process. Then the finished tree is made read-only, and what a container would do is done in it, as the image's
user, without a right and in a network of its own: `image_trial.py`. What it cannot show is that the base image's tag can be pulled.
"""

import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.environments import ROOT
from tests.ops import tools
from tests.ops.tools import ToolMissing

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TRIAL = Path(__file__).with_name("image_trial.py")
PYTHON = Path(sys.base_prefix).resolve()  # with `python` in its bin, as the base image has it in /usr/local/bin
PATH = f"{PYTHON / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
PASSED_ON = re.compile(r"PIP_|SSL_|REQUESTS_|.*_proxy$|.*_PROXY$")  # how this machine reaches a package index

Instruction = tuple[str, str]


class NotBuilt(Exception):
    """A step of the Dockerfile, or of the trial, failed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """FROM one `FROM` to the next."""

    name: str
    parent: str
    """A stage, or an image."""
    steps: list[Instruction] = field(default_factory=list)


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile."""
    found: list[Stage] = []
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, joined.split("\n")):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            parent, _, name = rest.partition(" AS ")
            found.append(Stage(name, parent))
        elif found:
            found[-1].steps.append((word, rest.strip()))
    return found


def all_steps(name: str, known: Mapping[str, Stage]) -> list[Instruction]:
    """The steps of a stage after those of the stages that it comes from."""
    stage = known[name]
    return [*(all_steps(stage.parent, known) if stage.parent in known else []), *stage.steps]


def check() -> list[dict[str, object]]:
    """Build and try both images; what the trial found of each. Raises NotBuilt, or ToolMissing where no namespace may be made."""
    known = {stage.name: stage for stage in stages(DOCKERFILE.read_text(encoding="utf-8"))}
    script = "\n".join(_script(known))
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        if tools.run(["unshare", "--mount", "true"]).returncode:
            raise ToolMissing("this user may not make a mount namespace (unshare): run it as root")
        _context(Path(scratch) / "context")
        Path(scratch, "build.sh").write_text(script, encoding="utf-8")
        passed = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        clean = ["env", "-i", f"PATH={PATH}", *(f"{name}={value}" for name, value in passed.items())]
        done = tools.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", *clean, "sh", "-eu", f"{scratch}/build.sh", scratch])
    if done.returncode:
        raise NotBuilt((done.stdout + done.stderr)[-3000:])
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def _context(folder: Path) -> None:
    """What a build may see, by the .dockerignore."""
    folder.mkdir()
    listed = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    for name in (line[1:] for line in listed if line.startswith("!")):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def _script(known: Mapping[str, Stage]) -> Iterator[str]:
    """The shell that builds each stage, and tries the last two."""
    yield 'scratch=$1; top=$scratch/top; mkdir "$top"; mount -t tmpfs tmpfs "$top"; lower_machine=/'
    yield 'tree() { mkdir -p "$top/$1/up" "$top/$1/work" "$top/$1/root"'
    yield '  mount -t overlay overlay -o "lowerdir=$2,upperdir=$top/$1/up,workdir=$top/$1/work" "$top/$1/root"'
    yield '  mount -t proc proc "$top/$1/root/proc"; mount --rbind /dev "$top/$1/root/dev"; }'
    above = [str(folder) for folder in (PYTHON, *PYTHON.parents) if folder != Path("/")]
    for stage in known.values():
        lower = f"lower_{stage.parent}" if stage.parent in known else "lower_machine"
        name = stage.name.replace("-", "_")
        yield f'tree {stage.name} "${{{lower.replace("-", "_")}}}"; root=$top/{stage.name}/root'
        if stage.parent not in known:  # the base image: this machine's Python, wherever it is, for every user
            yield f'chroot "$root" chmod a+rx {shlex.join(above)}'
        yield from _steps(stage, known)
        yield f'lower_{name}="$top/{stage.name}/up:${{{lower.replace("-", "_")}}}"'
    yield from _trial(known)


def _steps(stage: Stage, known: Mapping[str, Stage]) -> Iterator[str]:
    inherited = all_steps(stage.parent, known) if stage.parent in known else []
    done = list(inherited)
    for word, rest in stage.steps:
        folder, environment = _folder(done), _environment(done)
        if word == "RUN":
            yield f'chroot "$root" /bin/sh -euc {shlex.quote(f"{environment}mkdir -p {folder}; cd {folder}; {rest}")} >&2'
        elif word == "COPY":
            *sources, target = rest.split()
            origin = "$scratch/context"
            if sources[0].startswith("--from="):
                origin = f"$top/{sources.pop(0).removeprefix('--from=')}/root"
            target = str(Path(folder, target))
            into = len(sources) > 1 or rest.endswith("/")
            yield f'mkdir -p "$root{target if into else Path(target).parent}"'
            for source in sources:
                yield f'cp -a "{origin}/{source.lstrip("/")}" "$root{target}"'
        done.append((word, rest))


def _folder(steps: list[Instruction]) -> str:
    return next((rest for word, rest in reversed(steps) if word == "WORKDIR"), "/")


def _environment(steps: list[Instruction]) -> str:
    return "".join(f"export {rest}; " for word, rest in steps if word == "ENV")


def _trial(known: Mapping[str, Stage]) -> Iterator[str]:
    """Both images, read-only, as their user, without a right, with nothing but a loopback device."""
    for name in ("training", "worker"):
        steps = all_steps(name, known)
        said = dict(steps)
        told = {word.lower(): json.loads(said[word]) for word in ("ENTRYPOINT", "CMD")}
        told["healthcheck"] = json.loads(said["HEALTHCHECK"].partition("CMD ")[2] or "[]")
        told["name"] = name
        user, _, group = said["USER"].partition(":")
        drop = f"setpriv --reuid {user} --regid {group} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
        command = f"{_environment(steps)}cd {_folder(steps)}; exec {drop} python - {shlex.quote(json.dumps(told))}"
        yield f'root=$top/{name}/root; mount -o remount,ro "$root"'
        inside = f'ip link set lo up; exec env -i PATH={PATH} chroot "$0" /bin/sh -euc {shlex.quote(command)}'
        yield f'unshare --net /bin/sh -euc {shlex.quote(inside)} "$root" < {shlex.quote(str(TRIAL))}'


def main() -> None:
    """Print what was found, or what failed."""
    try:
        print(json.dumps(check(), indent=2))
    except (NotBuilt, ToolMissing) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

"""Make a trained model the live one: keys, signatures, the pointer that workers follow, and the way back.

`scamsieve release`, offered by the entry-point group `scamsieve.commands`.
"""

from pathlib import Path
from typing import Annotated

import typer

from models import artifact
from models.artifact import ArtifactError, Model
from models.locate import locate
from models.signature import TrustedKeys
from training import evaluate, gate, pointer, report, sign
from training.cli import Folders, More, Rate
from training.data import DataError, read, without_duplicates
from training.terminal import console, plain_errors

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=(__doc__ or "").partition("\n")[0])

WORSE = 1  # exit code: the candidate is refused
Name = Annotated[str, typer.Argument(help="Released version, model folder, or pointer file.")]
Pointer = Annotated[Path, typer.Option("--live", help="Pointer file that workers follow (SCAMSIEVE_MODEL).", dir_okay=False)]
Trusted = Annotated[Path | None, typer.Option("--trusted-key", help="Public keys, PEM: ask for a signature, as workers do.")]


@app.command()
def make(
    *,
    candidate: Annotated[Path, typer.Option("--candidate", help="Model folder that is to become the live one.")],
    live: Annotated[str, typer.Option("--live", help="Pointer file that workers follow; or a folder or version, to compare with only.")],
    data: Folders = None,
    more: More = None,
    first: Annotated[bool, typer.Option("--first", help="There is no pointer file yet: make it, and compare with nothing.")] = False,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="Where it may be worse: a question of the table, or QUESTION/LANGUAGE. Repeatable.")
    ] = None,
    trusted_key: Trusted = None,
    false_positive_rate: Rate = 0.005,
) -> None:
    """Compare a candidate with the live model; unless it is worse beyond chance, let the pointer name it."""
    with plain_errors():
        if first and Path(live).exists():
            raise ArtifactError(f"{live} is there already: leave out --first")
        told = artifact.load(candidate, _trusted(trusted_key))
        answers = [] if first else _compared(told, _live(live), [*(data or []), *(more or [])], false_positive_rate, accept or [])
        worse = gate.refused(answers)
        moves = not worse and (first or Path(live).is_file())
        if moves:
            pointer.point(Path(live), candidate)
    if worse:
        _tell(f"refused: {candidate} is worse than the live model beyond chance")
        raise typer.Exit(WORSE)
    found = "compared with nothing" if first else f"not worse beyond chance{', but for what is accepted' if accept else ''}"
    _tell(f"{found}; {f'{live} names {candidate} now' if moves else f'{live} is no pointer file, so nothing was changed'}")


@app.command()
def rollback(*, live: Pointer, trusted_key: Trusted = None) -> None:
    """Let the pointer name the model before; a second time undoes that."""
    with plain_errors():
        folder = pointer.roll_back(live, _trusted(trusted_key))
    _tell(f"{live} names {folder} again")


@app.command("sign")
def sign_model(
    *,
    folder: Annotated[Path, typer.Argument(help="Model folder.", file_okay=False)],
    key: Annotated[Path, typer.Option("--key", help="Private key: Ed25519, PEM.", dir_okay=False)],
) -> None:
    """Write manifest.sig into a model folder, after the model has proven itself."""
    with plain_errors():
        model = sign.sign(folder, key)
    _tell(f"{folder}: model {model.version} is signed")


@app.command()
def verify(*, model: Name, trusted_key: Trusted = None) -> None:
    """Load a model as a worker would: sizes, checksums, golden scores; with --trusted-key the signature, too."""
    with plain_errors():
        told = artifact.load(locate(model), _trusted(trusted_key))
    signed = "signed by a trusted key" if trusted_key else "its signature was not asked for"
    _tell(f"{model}: model {told.version} is whole and proves itself; {signed}")


@app.command()
def keygen(
    *,
    private: Annotated[Path, typer.Option("--private", help="File to write the private key to.")] = Path("release.key"),
    public: Annotated[Path, typer.Option("--public", help="File to write the public key to, for workers.")] = Path("release.pub"),
) -> None:
    """Make a pair of keys: the private one signs, the public one is given to workers (SCAMSIEVE_TRUSTED_KEY_FILE)."""
    with plain_errors():
        sign.generate(private, public)
    _tell(f"{private} signs; keep it secret. {public} is for SCAMSIEVE_TRUSTED_KEY_FILE")


def _compared(candidate: Model, live: Model, data: list[Path], rate: float, accepted: list[str]) -> list[gate.Answer]:
    """The answers of the gate, shown."""
    if not data:
        raise DataError("give --data: labelled messages that neither model has learned from")
    found = read(data)
    rows = without_duplicates(found.rows, found.left_out)
    answers = gate.compare(evaluate.score(rows, candidate), evaluate.score(rows, live), rate, accepted)
    console().print(report.gate(answers, candidate.version, live.version))
    return answers


def _live(name: str) -> Model:
    try:
        return artifact.load(locate(name))
    except ArtifactError as error:
        hint = "" if Path(name).exists() else f"; to make {name} a pointer file: --first"
        raise ArtifactError(f"{error}{hint}") from None


def _tell(line: str) -> None:
    console().print(line, markup=False, soft_wrap=True)


def _trusted(path: Path | None) -> TrustedKeys:
    return artifact.trusted_keys(path) if path else ()

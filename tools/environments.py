"""Make .venv/<set> from requirements/<set>.txt, anew whenever the pins or the interpreter change.

The stamp inside holds a digest of the requirement files (with those they include by -r) and of the interpreter. It is
written last, so a set-up that was interrupted is begun again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PROOF = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != {version})"
"""What a candidate has to run first: pyenv leaves commands that do not start, Debian a Python without venv."""


def environment(name: str, interpreter: str = sys.executable) -> Path:
    """The directory of an up-to-date virtual environment. Raises CalledProcessError when pip or venv fails."""
    directory = CHECKOUT / ".venv" / name
    requirements = CHECKOUT / "requirements" / f"{name}.txt"
    stamp, wanted = directory / "stamp", _digest(requirements, interpreter)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return directory
    print(f"Setting up .venv/{name} from requirements/{name}.txt ...", file=sys.stderr, flush=True)
    if directory.exists():
        shutil.rmtree(directory)
    subprocess.run([interpreter, "-m", "venv", str(directory)], check=True)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # --isolated is not used: it would ignore the user's package index
    subprocess.run([*pip, "install", "--requirement", str(requirements)], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return directory


def interpreter(oldest: tuple[int, int], newest: tuple[int, int]) -> str | None:
    """A Python from `oldest` to `newest` that makes virtual environments: the running one, else the newest found."""
    if oldest <= sys.version_info[:2] <= newest:
        return sys.executable
    minors = range(newest[1], oldest[1] - 1, -1)
    return next((found for minor in minors for found in _candidates(minor) if _works(found, (3, minor))), None)


def _candidates(minor: int) -> Iterator[str]:
    """Commands of that name in PATH, then in every version of pyenv, whichever of them is chosen just now."""
    name = f"python3.{minor}"
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield from filter(None, [shutil.which(name, path=directory)])
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(root.glob(f"versions/*/bin/{name}"), reverse=True))


def _works(candidate: str, version: tuple[int, int]) -> bool:
    argv = [candidate, "-c", PROOF.format(version=version)]
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _digest(requirements: Path, interpreter: str) -> str:
    question = [interpreter, "-c", "import sys; print(sys.version, sys.base_prefix)"]
    answer = subprocess.run(question, check=True, capture_output=True, text=True)
    # a virtual environment that was moved does not work: its place counts too, which several checkouts may share
    place = str((CHECKOUT / ".venv").resolve())
    parts = [answer.stdout, place, *(path.read_text(encoding="utf-8") for path in _with_included(requirements))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _with_included(requirements: Path) -> list[Path]:
    files = [requirements]
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            files += _with_included(requirements.with_name(line[3:].strip()))
    return files


def main() -> int:
    """Make the named sets up to date; pip's own messages explain a failure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="+", help="a file of requirements/, without .txt")
    try:
        for name in parser.parse_args().name:
            environment(name)
    except subprocess.CalledProcessError as error:
        print(f"environments: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Make .venv/controller-<core> for each ansible-core that the plays of the tests are tried on beside the own one.

The own one is that of .venv/test. An ansible-core that no Python of this machine runs is left out, and said so.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import environments

PYTHONS = {"2.16": ((3, 10), (3, 12)), "2.19": ((3, 11), (3, 13)), "2.21": ((3, 12), (3, 14))}
"""The oldest and newest Python that an ansible-core's controller runs on."""


def own() -> str:
    """The ansible-core of the running interpreter."""
    return ".".join(importlib.metadata.version("ansible-core").split(".")[:2])


def found() -> dict[str, Path]:
    """The programs' directories of each ansible-core that is set up, the own one first.

    To be asked of an interpreter in .venv/test, beside which the others are.
    """
    beside = Path(sys.prefix).parent
    others = {core: beside / f"controller-{core}" for core in PYTHONS if core != own()}
    # the stamp is what is written last
    there = {core: place / "bin" for core, place in others.items() if (place / "stamp").exists()}
    return {own(): Path(sys.executable).parent, **there}


def main() -> int:
    """Make those that are missing; pip's own messages explain a failure."""
    for core, (oldest, newest) in PYTHONS.items():
        python = environments.interpreter(oldest, newest)
        if core == own():
            continue
        if python is None:
            print(f"ansible-core {core} is not tried: no Python from {oldest} to {newest} was found", file=sys.stderr)
            continue
        try:
            environments.environment(f"controller-{core}", python)
        except subprocess.CalledProcessError as error:
            print(f"controllers: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

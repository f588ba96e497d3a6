"""Say which versions of PostgreSQL and ansible-core a test run tried, and which of the supported ones it could not.

A machine has some PostgreSQL majors and not others; the tests for the others are not collected, so that a passing run
must say what it did not see.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import controllers
import pgserver

POSTGRESQL = ("15", "16", "17", "18")
ANSIBLE_CORE = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21")


def line(subject: str, tried: Iterable[str], supported: tuple[str, ...]) -> str:
    """One line: the versions tried, and the supported ones that are missing."""
    versions = sorted(set(tried), key=_as_numbers)
    missing = [version for version in supported if version not in versions]
    return f"{subject}: tried {', '.join(versions) or 'none'}; missing {', '.join(missing) or 'none'}"


def _as_numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def main() -> int:
    """Print the two lines for the servers and controllers found, and the ansible-core of the sanity tests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sanity", action="append", default=[], help="an ansible-core that ansible-test was run with")
    arguments = parser.parse_args()
    majors = [str(installation.major) for installation in pgserver.find_installations()]
    print(line("PostgreSQL", majors, POSTGRESQL))
    print(line("ansible-core", [*controllers.found(), *arguments.sanity], ANSIBLE_CORE))
    return 0


if __name__ == "__main__":
    sys.exit(main())

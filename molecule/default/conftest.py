"""Where the scenario's server and backups are; Molecule says in which directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pgserver


@pytest.fixture(scope="session")
def ephemeral() -> Path:
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


@pytest.fixture(scope="session")
def server(ephemeral: Path) -> pgserver.Server:
    return pgserver.Server.at(ephemeral / "server")


@pytest.fixture(scope="session")
def backup_root(ephemeral: Path) -> Path:
    return ephemeral / "backups"

"""The machines of a scenario, as its tests look at them."""

from __future__ import annotations

from pathlib import Path

import testinfra
from testinfra.host import Host

BACKUPS = Path("/var/backups/pgsafe")


def machine(name: str) -> Host:
    """The machine of a host of the inventory."""
    return testinfra.get_host(f"podman://pgsafe-fleet-{name}")


def sql(name: str, statement: str, database: str = "postgres") -> str:
    """What a statement returns there, run as the system user postgres."""
    command = "runuser -u postgres -- psql -XAtqc %s -d %s"
    return str(machine(name).check_output(command, statement, database)).strip()

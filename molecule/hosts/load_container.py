"""Load the sample database into the PostgreSQL server of a container: load_container.py CONTAINER DATABASE.

The application's role owns the database and everything in it, but the extension.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "community_connect"
ROLE = "community_connect"


def psql(container: str, *arguments: str, script: bytes = b"", role: str = "postgres") -> str:
    """Run psql as the system user postgres in the container; raises CalledProcessError at the first error."""
    argv = ["podman", "exec", "-i", "-u", "postgres", "-e", f"PGOPTIONS=-c role={role}", container]
    argv += ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *arguments]
    return subprocess.run(argv, input=script, check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def load(container: str, database: str) -> None:
    """Create the database with its schema and rows; embeddings are vectors where the server has pgvector."""
    psql(container, "-c", f"CREATE ROLE {ROLE}")
    psql(container, "-c", f"CREATE DATABASE {database} OWNER {ROLE} TEMPLATE template0 ENCODING 'UTF8'")
    vector = psql(container, "-c", "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"
    setting = "on" if vector else "off"
    if vector:
        psql(container, "-d", database, "-c", "CREATE EXTENSION vector WITH SCHEMA public")
    generator = [sys.executable, str(EXAMPLE / "generate.py"), "--vector", setting]
    rows = subprocess.run(generator, check=True, stdout=subprocess.PIPE).stdout
    script = (EXAMPLE / "schema.sql").read_bytes() + b"\n" + rows
    psql(container, "-d", database, "-v", f"vector={setting}", "-f", "-", script=script, role=ROLE)


if __name__ == "__main__":
    load(sys.argv[1], sys.argv[2])

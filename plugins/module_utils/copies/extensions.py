# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extensions of a copy, each in the version that the backup has.

CREATE EXTENSION in a dump names no version, so an ordinary restore takes the server's default version.
https://www.postgresql.org/docs/current/sql-createextension.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backup_set.manifest import Manifest
from ..errors import QueryFailed
from ..model import Target
from ..ports.database import identifier, literal, statement
from . import restorer


def create(copy: Target, names: Sequence[str], manifest: Manifest) -> None:
    """Create extensions in a copy that has their schemas, and nothing else yet.

    :param names: in an order in which each comes after those that it requires, as an archive lists them.
    :raises QueryFailed: one cannot be created in that version; the message names both.
    """
    with restorer.extending(copy) as server:
        for name in names:
            try:
                server.execute(creation(name, manifest))
            except QueryFailed as error:
                version = manifest.fingerprint.extensions.get(name, "")
                error.what = f"The extension {name} {version} could not be created in {copy.dbname}: {error.what}"
                error.remedy = error.remedy or f"Install the package that brings {name} {version}."
                raise


def creation(name: str, manifest: Manifest) -> Any:
    """CREATE EXTENSION as the manifest has it; one that is there already, as plpgsql is, stays as it is."""
    held = manifest.fingerprint
    schema, version = held.schema_of_extension(name), held.extensions.get(name)
    return statement(
        "CREATE EXTENSION IF NOT EXISTS {name}{schema}{version}",
        name=identifier(name),
        schema=statement(" SCHEMA {schema}", schema=identifier(schema)) if schema else statement(""),
        version=statement(" VERSION {version}", version=literal(version)) if version else statement(""),
    )

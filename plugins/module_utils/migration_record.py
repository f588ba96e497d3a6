# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small record, in the database itself, of the migration sets that were applied and verified there."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.database import SAFE_PATH, Session
from ansible_collections.pgsafe.migration.plugins.module_utils.model import RECORD_SCHEMA

_TABLE = f"{RECORD_SCHEMA}.migration_set"

_EXISTS = f"SELECT pg_catalog.to_regclass('{_TABLE}') IS NOT NULL"
_VERIFIED = f"SELECT EXISTS (SELECT FROM {_TABLE} WHERE digest = %s AND verified_at IS NOT NULL)"
_SET_VERIFIED = f"UPDATE {_TABLE} SET verified_at = pg_catalog.now() WHERE digest = %s"


def applied(session: Session, digest: str) -> bool:
    """Whether a set of this digest was applied to the session's database and passed its verification."""
    return bool(session.value(_EXISTS)) and bool(session.value(_VERIFIED, (digest,)))


def statements(digest: str, run_id: str) -> list[str]:
    """What psql runs with the last file, in its transaction where it has one.

    Both values are ours (hexadecimal digits; digits and underscores), so they need no quoting.
    """
    return [
        "RESET ROLE",
        f"SET search_path = {SAFE_PATH}",
        f"CREATE SCHEMA IF NOT EXISTS {RECORD_SCHEMA}",
        f"CREATE TABLE IF NOT EXISTS {_TABLE} (digest text PRIMARY KEY, run_id text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT pg_catalog.now(), verified_at timestamptz)",
        f"INSERT INTO {_TABLE} (digest, run_id) VALUES ('{digest}', '{run_id}') ON CONFLICT (digest)"
        " DO UPDATE SET run_id = excluded.run_id, applied_at = excluded.applied_at, verified_at = NULL",
    ]


def mark_verified(session: Session, digest: str) -> None:
    session.execute(_SET_VERIFIED, (digest,))

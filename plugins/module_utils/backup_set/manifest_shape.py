# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of what a manifest holds, for a reader who does not trust it; docs/manifest.schema.json says more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NULL = type(None)
_TEXTS = {"*": str}
_NUMBER = (int, float)

# A tuple is a choice of types, a list of one element a list of such elements, "*" any key that is not named.
SHAPE: Mapping[str, Any] = {
    "run_id": str,
    "created": str,
    "backup_type": str,
    "source_url": str,
    "identity": {"system_identifier": str, "oid": int, "name": str, "timeline": int},
    "server_version": int,
    "server_version_text": str,
    "tools_version": str,
    "snapshot_lsn": str,
    "database_bytes": int,
    "tuples_written": int,
    "statistics": str,
    "files": [{"size": int, "rows": (int, _NULL), "*": str}],
    "fingerprint": {
        "tables": {"*": {"rows": int, "content": str, "mode": str}},
        "sequences": _TEXTS,
        "catalog": {"*": {"*": _TEXTS}},
        "large_objects": {"mode": str, "content": _TEXTS},
        "generation": str,
        "reported": _TEXTS,
    },
    "properties": {
        "owner": str,
        "creation": _TEXTS,
        "tablespace": str,
        "connection_limit": int,
        "comment": (str, _NULL),
        "acl": ([[(str, bool)]], _NULL),
        "template": bool,
        "settings": [[str]],
    },
    "cluster": {"objects": {"*": _TEXTS}, "needs": {"*": [str]}},
    "left_out": _TEXTS,
    "findings": {"*": int},
    "compression": {"method": str, "level": int, "content_checksum": bool},
    "warnings": [str],
    "seconds": {"*": _NUMBER},
    "preload_libraries": str,
    "losses": {"*": [str]},
}


def require(manifest: Any) -> None:
    """
    :raises TypeError: a value has another type; the message says where.
    """
    _require(manifest, SHAPE, "manifest")


def _require(value: Any, shape: Any, where: str) -> None:
    if not _fits(value, shape, where):
        raise TypeError(f"{where} is {value!r}")


def _fits(value: Any, shape: Any, where: str) -> bool:
    if isinstance(shape, tuple):
        return any(_fits(value, choice, where) for choice in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and _all(enumerate(value), {"*": shape[0]}, where)
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and _all(value.items(), shape, where)
    # To Python a truth value is a number.
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))


def _all(items: Any, shape: Mapping[str, Any], where: str) -> bool:
    """True, or an error that names the innermost value that does not fit; keys without a shape are passed over."""
    for key, below in items:
        wanted = shape.get(key, shape.get("*"))
        if wanted is not None:
            _require(below, wanted, f"{where}.{key}")
    return True

# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of a database as an inventory that can be kept, and compared with the one of another environment; pure.

A digest per object. What two environments may have of their own is left out: owners, privileges, comments, tuning,
publications, foreign servers, and partitions, which come and go by date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from ..model import Catalog, Facts
from .catalog import facts as catalogs

# By kind and name of an object, such as ``column public.orders.note``, the beginning of a SHA-256 of its facts.
Inventory = Mapping[str, str]

_DIGITS = 16

_OWN_KINDS = frozenset(
    {
        "default privilege",
        "foreign server",
        "large object",
        "privilege",
        "publication",
        "published table",
        "security label",
        "user mapping",
    }
)

_OWN_FACTS = frozenset(
    {
        "clustered",
        "comment",
        "foreign options",
        "options of its TOAST table",
        "owner",
        "populated",
        "privileges",
        "replica identity",
        "roles",
        "statistics target",
        "statistics targets",
        "tablespace",
        "target",
    }
)


def inventory(catalog: Catalog) -> dict[str, str]:
    """
    :param catalog: as :func:`catalog.facts.read` gives it.
    """
    settled = catalogs.as_restored(catalog)
    relations = settled.get("relation", {})
    partitions = frozenset(name for name, facts in relations.items() if "partition bound" in facts)
    return {
        f"{kind} {name}": _digest(_shared(kind, facts))
        for kind, objects in sorted(settled.items())
        if kind not in _OWN_KINDS
        for name, facts in sorted(objects.items())
        if not _of_partition(kind, name, facts, partitions)
    }


def digest(of: Inventory) -> str:
    """SHA-256 of a whole inventory."""
    return hashlib.sha256(json.dumps(dict(of), sort_keys=True).encode()).hexdigest()


def differences(there: Inventory, here: Inventory, place: str) -> Iterator[str]:
    """What differs, a readable line each.

    :param place: where the first one is of, such as ``staging``.
    """
    apart = {name for name in (*there, *here) if name.startswith("relation ") and (name in there) != (name in here)}
    relations = [name.partition(" ")[2] for name in apart]
    for name in sorted({*there, *here}):
        if there.get(name) == here.get(name) or (name not in apart and _belongs(name, relations)):
            continue
        if name not in there:
            yield f"{name} is not in {place}"
        elif name not in here:
            yield f"{name} is in {place} only"
        else:
            yield f"{name} differs from {place}"


def _belongs(name: str, relations: list[str]) -> bool:
    """What belongs to a relation that only one side has is not said again."""
    return any(name.endswith(f" {relation}") or f" {relation}." in name for relation in relations)


def _of_partition(kind: str, name: str, facts: Facts, partitions: frozenset[str]) -> bool:
    """By the beginnings of the name, since there may be thousands of partitions."""
    if kind == "index" and "parent" in facts:
        return True
    ends = [place for place, sign in enumerate(name) if sign == "."]
    return any(name[:end] in partitions for end in (*ends, len(name)))


def _shared(kind: str, facts: Facts) -> Facts:
    """Storage parameters are tuning; those of a view decide what it does."""
    left_out = _OWN_FACTS | ({"options"} if kind in ("relation", "column") and facts.get("kind") != "view" else set())
    return {fact: text for fact, text in facts.items() if fact not in left_out}


def _digest(facts: Facts) -> str:
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:_DIGITS]

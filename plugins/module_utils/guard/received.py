# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guard receives, read back: its orders, and the connection to the database of a run."""

from __future__ import annotations

from .. import codec
from ..jobs import registry
from ..model import Target
from .order import Order


def order(data: bytes) -> Order:
    """
    :raises ValueError: this is not an order, or one of another version of the collection.
    """
    try:
        return Order(**codec.decoded(data.decode(), registry.TYPES))
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is not an order of this version: {error}.") from error


def way(text: str) -> Target:
    found: Target = codec.decoded(text, registry.TYPES)
    return found

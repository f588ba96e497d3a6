# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guard receives, read back: its orders, and the connection to the database of a run."""

from __future__ import annotations

from .. import codec
from ..jobs import registry
from ..model import Administrator, Target
from .order import Order

# What an order to watch the run contains is a request to recover.
_WATCHING = "recover"


def order(data: bytes) -> Order:
    """
    :raises ValueError: this is not an order, or one of another version of the collection.
    """
    job, _space, packed = data.decode().partition(" ")
    try:
        return Order(**codec.decoded(packed, registry.named(job or _WATCHING).TYPES))
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is not an order of this version: {error}.") from error


def way(text: str) -> Target:
    found: Target = codec.decoded(text, (Administrator, Target))
    return found

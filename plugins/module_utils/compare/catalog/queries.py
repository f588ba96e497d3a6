# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every kind of object that is compared, with the query that reads it."""

from __future__ import annotations

from .beyond import BEYOND
from .relations import RELATIONS
from .routines import ROUTINES, TEXT_SEARCH, TYPES
from .schemas import FOREIGN, REPLICATION, SCHEMAS

KINDS = {**SCHEMAS, **RELATIONS, **ROUTINES, **TYPES, **TEXT_SEARCH, **FOREIGN, **REPLICATION, **BEYOND}

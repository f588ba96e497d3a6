# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rule of the audit is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """:param name: of the rule.
    :param severity: ``error``, ``warning`` or ``info``.
    :param query: gives the name of one offending object a row.
    :param what: a sentence with ``{}`` for that name.
    :param remedy: a sentence with ``{}`` for that name.
    """

    name: str
    severity: str
    query: str
    what: str
    remedy: str

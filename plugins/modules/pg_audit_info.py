#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_audit_info
short_description: Look at the data of a PostgreSQL database before it is migrated
version_added: 0.1.0
description:
  - Counts the rows of every table and looks for what is already wrong, in one read-only snapshot, with no lock stronger
    than a reader's.
  - A finding of severity V(error) is a fault that prevents a backup from being restored, such as a row whose foreign
    key refers to nothing, or what a rule of your own calls an error. V(warning) is another existing fault, V(info) a
    note or a guess.
  - What there was no time for, or no right to read, is a finding of the rule C(not_looked_at).
  - Of an offending row nothing is shown but its key, and of a key that is a text its first character and its length.
  - Hand the result to M(pgsafe.migration.pg_backup) as O(pgsafe.migration.pg_backup#module:audit), which writes it as
    C(audit_report.txt).
options:
  rules:
    description:
      - Rules of your own. What is not given here may stand in the comments that the SQL begins with, a line each, as
        C(-- severity:) V(error).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The rule's name, of letters, digits, C(_), C(-) and C(.).
        type: str
      file:
        description: The file that the SQL is from; its name without C(.sql) is the rule's when no other is given.
        type: str
      sql:
        description:
          - One query; each row of it offends, and its first column is the key of that row. It runs in the read-only
            snapshot, with the C(search_path) of the role that connects.
          - A query that fails is a finding of severity V(error).
        type: str
        required: true
      severity:
        description: How bad it is, V(warning) when nothing is said.
        type: str
        choices: [error, warning, info]
      max:
        description: How many rows are expected; more of them are a finding. None when nothing is said.
        type: int
      remedy:
        description: What to do about it.
        type: str
  waive:
    description:
      - Errors that you accept, by the name of the rule, or by the name and the object as the report has
        them, such as C(orphans public.orders constraint orders_customer_id_fkey). The value is the reason, which is in
        the report.
    type: dict
    default: {}
  fail:
    description: Fail when there is a finding of severity V(error) that is not waived.
    type: bool
    default: true
  rule_budget:
    description: How many seconds one rule may read, those of all sessions added up; V(0) sets no limit.
    type: float
    default: 120
  budget:
    description: After how many seconds nothing more is looked at; V(0) sets no limit.
    type: float
    default: 900
  jobs:
    description: How many sessions read tables, all in the same snapshot.
    type: int
    default: 2
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.attributes.reads
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Audit the data
  pgsafe.migration.pg_audit_info:
    login_db: community_connect
  register: audit

- name: Audit it by a rule of your own too
  pgsafe.migration.pg_audit_info:
    login_db: community_connect
    rules:
      - name: members_without_phone
        sql: SELECT id FROM community_members WHERE phone IS NULL
        severity: warning
        max: 100
        remedy: Ask them for their number before the column becomes NOT NULL.
    waive:
      duplicates public.tags index tags_name_key: The migration merges them.
"""

RETURN = r"""
audit:
  description: What was found.
  returned: success, and when it failed for what was found
  type: dict
  contains:
    time:
      description: When, in UTC.
      type: str
      returned: success
    database:
      description: The database.
      type: str
      returned: success
    rows:
      description: Rows by table, as far as there was time to count them.
      type: dict
      returned: success
    rules:
      description: By the name of each rule, the V(seconds) of its reading, and whether it was V(complete).
      type: dict
      returned: success
    findings:
      description: What is wrong.
      type: list
      elements: dict
      returned: success
      contains:
        rule:
          description: The rule, or V(not_looked_at).
          type: str
          returned: success
        severity:
          description: One of V(error), V(warning), V(info).
          type: str
          returned: success
        subject:
          description: The object; empty for a rule of your own.
          type: str
          returned: success
        what:
          description: What was found.
          type: str
          returned: success
        remedy:
          description: What to do about it.
          type: str
          returned: success
        count:
          description: The rows that offend; 1 when the object itself does.
          type: int
          returned: success
        samples:
          description: The keys of the first of these rows, masked.
          type: list
          elements: str
          returned: success
        waived:
          description: The reason why it is waived, else empty.
          type: str
          returned: success
report:
  description: The same as a text for people.
  returned: success
  type: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Audit: 12,857 rows in 7 tables, 0 findings, 2 notes"]
"""

from typing import Any

from ..module_utils.arguments import CONNECTION, JOBS, target
from ..module_utils.audit import run as audit
from ..module_utils.audit.finding import SEVERITIES
from ..module_utils.audit.looking import Budget
from ..module_utils.audit.own_rule import own_rules
from ..module_utils.backup import audit_report
from ..module_utils.console import audit as console
from ..module_utils.errors import Refused
from ..module_utils.ports.module import serve

RULE = {
    "name": {"type": "str"},
    "file": {"type": "str"},
    "sql": {"type": "str", "required": True},
    "severity": {"type": "str", "choices": list(SEVERITIES)},
    "max": {"type": "int"},
    "remedy": {"type": "str"},
}
SPEC = {
    **CONNECTION,
    **JOBS,
    "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
    "waive": {"type": "dict", "default": {}},
    "fail": {"type": "bool", "default": True},
    "rule_budget": {"type": "float", "default": 120.0},
    "budget": {"type": "float", "default": 900.0},
}


# In the message; the result has all of them.
MOST_ERRORS = 20


class AuditFailed(Refused):
    """There are errors among the findings."""

    def __init__(self, found: audit.Audit, result: dict[str, Any]) -> None:
        errors = [f"{finding.what} {finding.remedy}" for finding in found.blocking]
        listed = "".join(f"\n  {number}. {error}" for number, error in enumerate(errors[:MOST_ERRORS], 1))
        more = f"\n  ... and {len(errors) - MOST_ERRORS} more" if len(errors) > MOST_ERRORS else ""
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__(
            f"The audit of {found.database} found {count}:{listed}{more}\n",
            remedy="Fix the data, or accept a finding: pg_migrate_waive.audit: {RULE: reason}.",
        )
        self.result = result

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), **self.result}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    found = audit.run(request(params))
    report = found.report
    result = {"audit": report.as_result(), "console": console.audit(report)}
    if found.blocking and params["fail"]:
        raise AuditFailed(found, result)
    return {"changed": False, **result, "report": audit_report.text(report)}


def request(params: dict[str, Any]) -> audit.AuditRequest:
    return audit.AuditRequest(
        target=target(params),
        own_rules=own_rules(params["rules"], audit.NAMES),
        waived={name: str(reason) for name, reason in params["waive"].items()},
        budget=Budget(params["rule_budget"], params["budget"]),
        jobs=params["jobs"],
    )


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()

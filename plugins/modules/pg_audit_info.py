#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_audit_info
short_description: Look at the data of a PostgreSQL database before it is migrated
version_added: 0.1.0
description:
  - Counts the rows of every table and looks for what is already wrong, in one read-only snapshot.
  - Hand the result to M(pgsafe.migration.pg_backup) as O(pgsafe.migration.pg_backup#module:audit), which writes it as
    C(audit_report.txt).
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
"""

RETURN = r"""
audit:
  description: What was found.
  returned: success
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
      description: Rows by table.
      type: dict
      returned: success
    findings:
      description: What is wrong, with rule, severity, subject, what and remedy.
      type: list
      elements: dict
      returned: success
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Audit: 12,857 rows in 7 tables, 0 findings"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pgsafe.migration.plugins.module_utils import console, interpreter
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import (
    CONNECTION,
    mutually_exclusive,
    target,
    url_secrets,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError

SPEC = CONNECTION


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    found = audit.run(target(params)).as_report()
    return {"changed": False, "audit": found, "console": console.audit(found)}


def main() -> None:
    module = AnsibleModule(
        argument_spec=SPEC,
        mutually_exclusive=mutually_exclusive(),
        supports_check_mode=True,
    )
    if missing := interpreter.missing():
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=missing)
    try:
        module.no_log_values.update(url_secrets(module.params))
        result = run(module.params, module.check_mode)
    except PgsafeError as error:
        module.fail_json(msg=str(error), **error.facts())
    module.exit_json(**result)


if __name__ == "__main__":
    main()

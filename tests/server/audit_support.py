# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the audit share."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.looking import UNLIMITED
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import ONE_SNAPSHOT, session
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


def audited(database: Database, **options: object) -> audit.Audit:
    return audit.run(requests.audit(database.target, **options))  # type: ignore[arg-type]


def counts(found: audit.Audit) -> dict[str, int]:
    """The count of each finding by its key, none of which is there twice."""
    listed = [(finding.key, finding.count) for finding in found.findings]
    assert len(dict(listed)) == len(listed)
    return dict(listed)


def reader_sees(database: Database) -> dict[str, int]:
    """The same by one session, as a verification asks."""
    with session(database.target) as reader, reader.transaction(ONE_SNAPSHOT):
        found, _passed_over = audit.findings_of(reader, None, UNLIMITED)
    return {finding.key: finding.count for finding in found}

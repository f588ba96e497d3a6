# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard's own copy of the code, from the tree and from what Ansible ships."""

from __future__ import annotations

import io
import zipfile

from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

ENTRY = "ansible_collections.pgsafe.migration.plugins.module_utils.guard.entry"


def names(packed: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(packed)).namelist())


def test_a_program_holds_the_utilities_and_nothing_of_ansible() -> None:
    found = names(code.packed(ENTRY))
    utilities = "ansible_collections/pgsafe/migration/plugins/module_utils"
    below = {str(path.relative_to(COLLECTION)) for path in (COLLECTION / "plugins" / "module_utils").rglob("*.py")}
    assert {f"ansible_collections/pgsafe/migration/{name}" for name in below} <= found
    assert all(name == "__main__.py" or name.startswith(utilities) or name.endswith("/__init__.py") for name in found)


def test_equal_code_gives_equal_bytes() -> None:
    assert code.packed(ENTRY) == code.packed(ENTRY)

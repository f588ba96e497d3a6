#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_read
short_description: Read a proven backup in ranges
version_added: 0.1.0
description:
  - Describes a verified backup, or returns a range of one of its files, so that M(pgsafe.migration.pg_backup_copy) can
    copy it to the controller over the connection of Ansible without a whole file in memory.
  - It is meant for the action plugin of that module.
options:
  backup_dir:
    description: The directory of the backup, on the target, or a link to it such as C(latest).
    type: path
    required: true
  file:
    description: The name of one of its files; without it the backup is described.
    type: str
  offset:
    description: Where the range begins, in bytes.
    type: int
    default: 0
  size:
    description: The size of the range in bytes; at most 16 MiB.
    type: int
    default: 16777216
extends_documentation_fragment:
  - pgsafe.migration.attributes.reads
seealso:
  - module: pgsafe.migration.pg_backup_copy
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Describe the latest verified backup
  pgsafe.migration.pg_backup_read:
    backup_dir: /var/backups/pgsafe/community_connect/latest
  register: described
"""

RETURN = r"""
description:
  description: The manifest, the proof, and the size and SHA-256 of each file, as JSON.
  returned: when no file is named
  type: str
content:
  description: The range, in base64; empty past the end of the file.
  returned: when a file is named
  type: str
"""

import base64
from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR
from ..module_utils.backup import carried_source
from ..module_utils.ports.module import serve

SPEC = {
    **BACKUP_DIR,
    "file": {"type": "str"},
    "offset": {"type": "int", "default": 0},
    "size": {"type": "int", "default": carried_source.RANGE_BYTES},
}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    directory = Path(params["backup_dir"])
    if params["file"] is None:
        return {"changed": False, "description": carried_source.described(directory)}
    content = carried_source.read(directory, params["file"], params["offset"], params["size"])
    return {"changed": False, "content": base64.b64encode(content).decode()}


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_copy
short_description: Copy a proven backup to other places
version_added: 0.1.0
description:
  - Copies a verified backup to one or more directories of the target, such as mounted file systems of another machine,
    to directories of the controller, and to object stores with the interface of Amazon S3.
  - Each file is written under a temporary name, flushed, and read back from its file system past the page cache as far
    as the kernel allows. It gets its name when its SHA-256 is that of the backup. The manifest is copied last, so an
    interrupted copy is no backup, and the next copy to the place removes it.
  - With O(copy_to[].age_recipients) each file is encrypted on its way. What is stored is read back and compared with
    what was sent. M(pgsafe.migration.pg_backup_fetch) decrypts it.
  - A place that has the backup already is verified by reading all files, and left as it is.
  - In an object store every object is read back, and compared by SHA-256. M(pgsafe.migration.pg_backup_fetch) fetches
    a backup from there; M(pgsafe.migration.pg_backup_info), M(pgsafe.migration.pg_backup_prune) and
    M(pgsafe.migration.pg_backup_pin) take it as C(store).
  - A directory is a backup root like any other. M(pgsafe.migration.pg_backup_info),
    M(pgsafe.migration.pg_backup_verify), M(pgsafe.migration.pg_restore_safe) and M(pgsafe.migration.pg_backup_prune)
    take it as C(backup_root).
options:
  backup_dir:
    description: The directory of the backup, on the target, or a link to it such as C(latest).
    type: path
    required: true
  copy_to:
    description: The places.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - An existing directory on the target that only root and the user of the task can write to. Give each host a
            directory of its own. One of this, O(copy_to[].url) and
            O(copy_to[].controller).
        type: path
      controller:
        description:
          - An existing directory on the controller, in which each host gets a directory of its own. The backup is read
            in ranges over the connection of Ansible.
        type: path
      url:
        description:
          - An object store with the interface of Amazon S3, as V(s3://bucket) or V(s3://bucket/prefix). Give each host
            a prefix of its own.
        type: str
      endpoint_url:
        description: The URL of a store other than Amazon's, such as V(https://minio.example.com:9000).
        type: str
      region:
        description: The region of the bucket, where the store has regions.
        type: str
      ca_file:
        description: A file of CA certificates, on the target, that verify the store's; by default boto3's own.
        type: path
      access_key:
        description:
          - The credentials. Without them boto3 looks for its own on the target, such as the role of a virtual machine,
            environment variables, or C(~/.aws/credentials).
        type: str
      secret_key:
        description: The secret of O(copy_to[].access_key).
        type: str
      session_token:
        description: Of temporary credentials.
        type: str
      age_recipients:
        description:
          - Public keys of the format age, such as V(age1...). Each file is encrypted for them while it is sent; any of
            their secret keys decrypts it. The target needs pyrage.
          - Names of files, sizes, and the time and the level of the proof stay readable.
        type: list
        elements: str
        default: []
      required:
        description: Fail when the backup cannot be copied there. Otherwise C(copies) and C(console) show the problem.
        type: bool
        default: true
attributes:
  check_mode:
    support: full
    details: It returns what would be copied, and fails where a required place cannot be used.
  idempotent:
    support: full
  action:
    description: Has an action plugin, which copies to directories of the controller.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
requirements:
  - boto3 on the target, for an object store
  - pyrage on the target, for an encrypted copy
seealso:
  - module: pgsafe.migration.pg_backup_fetch
  - module: pgsafe.migration.pg_backup_verify
  - module: pgsafe.migration.pg_backup_info
  - module: pgsafe.migration.pg_backup_prune
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Copy the latest verified backup to the file server
  pgsafe.migration.pg_backup_copy:
    backup_dir: /var/backups/pgsafe/community_connect/latest
    copy_to:
      - path: /mnt/nfs/pgsafe/db1
      - path: /mnt/usb/pgsafe
        required: false
      - controller: /srv/backups/pgsafe
      - url: s3://backups/pgsafe/db1
        endpoint_url: https://minio.example.com:9000
        access_key: pgsafe-db1
        secret_key: "{{ vault_pgsafe_secret_key }}"
        age_recipients:
          - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
"""

RETURN = r"""
copies:
  description: The places, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The place, a directory or a URL.
      type: str
      returned: always
    on_controller:
      description: Whether the directory is on the controller.
      type: bool
      returned: always
    backup_dir:
      description: The directory of the backup there, or its URL.
      type: str
      returned: always
    copied:
      description: Whether it was copied, or would be in check mode; not when the place has it already.
      type: bool
      returned: always
    bytes:
      description: The size of its files; 0 where there is no copy.
      type: int
      returned: always
    problem:
      description: Why the place has no copy; empty when it has one.
      type: str
      returned: always
copied_to:
  description: The directories or URLs of the whole copies, in the order of the places; none in check mode.
  returned: always
  type: list
  elements: str
  sample: [/mnt/nfs/pgsafe/db1/community_connect/migration_20261116_143022]
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Copied 245M to /mnt/nfs/pgsafe/db1/community_connect/migration_20261116_143022, and read back"]
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR, COPY_TO, store_address
from ..module_utils.backup import places
from ..module_utils.errors import BadRequest, PgsafeError
from ..module_utils.jobs import copies
from ..module_utils.ports.module import facts_of, serve

SPEC = {**BACKUP_DIR, "copy_to": {**COPY_TO["copy_to"], "required": True}}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    found = places.plan(asked) if check_mode else places.run(asked)
    return {"changed": any(copied.made for copied in found), **copies.as_result(found, check_mode)}


def request(params: dict[str, Any]) -> places.CopyRequest:
    return places.CopyRequest(Path(params["backup_dir"]), tuple(_place(given) for given in params["copy_to"]))


def _place(given: dict[str, Any]) -> places.Place:
    """
    :raises BadRequest: it is on the controller, which the action plugin copies to.
    """
    if given["controller"]:
        raise BadRequest("A directory of the controller is out of reach.", remedy="Run this as a task of Ansible.")
    address = store_address(given) if given["url"] else None
    return places.Place(Path(given["path"] or ""), given["required"], address, tuple(given["age_recipients"]))


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    done = error.found if isinstance(error, places.NotCopied) else ()
    return {**facts_of(params, error), **copies.as_result(done, foreseen=False)}


def main() -> None:
    serve(SPEC, run, failure)


if __name__ == "__main__":
    main()

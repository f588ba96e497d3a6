#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_verify
short_description: Prove that a backup is whole and restores
version_added: 0.1.0
description:
  - Verifies a backup directory level by level and says which level was reached.
  - V(checksum) compares the exact list of files, their sizes, SHA-256 sums and modes with the manifest, and the texts
    that were made of the manifest with what it says now.
  - V(decode) decodes every block of the archive and the script, looks for their end markers, compares the script with
    what the archive says, and parses every CSV and counts its records.
  - V(restore) restores the archive into an empty database, compares its fingerprint with the manifest and each CSV with
    the restored table, and drops it.
  - The proof is recorded in the journal of the backup's run, without which nothing is migrated.
  - O(archive) takes a dump that was made by hand instead, of which less can be said.
  - With O(store) a copy in an object store is verified where it is, up to V(checksum). Each object is read as a stream
    and compared by its size and SHA-256; nothing is written to the target. A finding takes the level of its proof from
    the copy, so that M(pgsafe.migration.pg_backup_prune) and M(pgsafe.migration.pg_backup_fetch) do not count it.
options:
  backup_dir:
    description:
      - The directory of the backup, on the target. Empty only in check mode.
      - With O(store) its URL, as M(pgsafe.migration.pg_backup_info) returns it.
    type: path
  archive:
    description:
      - A dump that was made by hand with pg_dump, on the target, in the custom, directory or tar format, or a script,
        plain or compressed by gzip.
      - There is nothing to compare it with, so level V(checksum) does not exist for it, and its V(restore) says that it
        restores, not what it restores to. RV(notes) lists what cannot be verified.
    type: path
  level:
    description: The level to reach. In an object store it is V(checksum).
    type: str
    choices: [checksum, decode, restore]
    default: restore
  proof:
    description:
      - Where the backup is restored for level V(restore).
      - V(scratch) is a database of the server of the connection, which may be another one than the backup was taken
        from. It must have the roles of the backup.
      - V(verified_copy) is one too. The verified copy is not dropped but kept, closed and analyzed, so that a rollback
        takes renames alone. M(pgsafe.migration.pg_migration_apply) drops it with the verdict, and
        M(pgsafe.migration.pg_fence) when the run is given up.
      - V(temporary_instance) is a temporary instance, made for the proof by the programs beside the client tools and
        reached by a Unix socket alone. It needs no connection, writes no write-ahead log that a standby or an archive
        would have to carry, and proves that the roles and tablespaces of the backup suffice.
      - V(auto) is V(verified_copy), unless there is no room for the copy, or its write-ahead log would cost a
        replication slot; then it is V(temporary_instance). RV(notes) says why.
    type: str
    choices: [scratch, verified_copy, temporary_instance, auto]
    default: scratch
  instance_directory:
    description:
      - The directory that the cluster of V(temporary_instance) is made in, and removed from.
      - By default beside the backup, or in C(/var/tmp) when the task is root's.
      - Others than root and the user of the task must not be able to write there.
    type: path
  instance_user:
    description:
      - The user of the operating system that runs the cluster when the task is root's, since PostgreSQL does not run as
        root. Where the backup takes a superuser, its SQL can run programs as this user, who must own nothing.
      - By default a user without a name, whose number is taken from those of C(DynamicUser) of systemd, and whose
        processes are killed at the end.
    type: str
  trusted:
    description:
      - A restore runs the SQL of a backup. O(archive) is of unknown origin, and so is a backup whose manifest is not in
        the journal of a run of its backup root. A backup of unknown origin is restored only with
        V(temporary_instance), by a role that is not a superuser. What only a superuser can restore is restored only
        when the task runs as root; programs of that SQL then run as a user who owns nothing.
      - V(true) allows other places. Then the SQL runs as the role of the connection, or with V(temporary_instance), if
        it requires a superuser, with the rights of the user of the task.
    type: bool
    default: false
  jobs:
    description: How many jobs pg_restore uses.
    type: int
    default: 2
  fail:
    description: Fail when the level is not reached.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Has an action plugin, which stays with the guard on the target that does the work.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.grace
  - pgsafe.migration.guard
  - pgsafe.migration.attributes
  - pgsafe.migration.store
seealso:
  - module: pgsafe.migration.pg_backup_fetch
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Prove that the backup that was just taken restores
  pgsafe.migration.pg_backup_verify:
    login_db: community_connect
    backup_dir: "{{ backup.backup_dir }}"

- name: Prove again that the newest proven backup is still intact
  pgsafe.migration.pg_backup_verify:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest

- name: Prove it in a temporary instance, far from the server it was taken from
  become: true
  pgsafe.migration.pg_backup_verify:
    backup_dir: /srv/copies/community_connect/migration_20261116_143022
    proof: temporary_instance
    instance_directory: /srv/scratch

- name: See whether an archive that was made by hand restores at all
  become: true
  pgsafe.migration.pg_backup_verify:
    archive: /srv/dumps/community_connect.dump
    proof: temporary_instance

- name: Verify a copy in an object store without fetching it
  pgsafe.migration.pg_backup_verify:
    store:
      url: s3://backups/pgsafe/db1
      region: eu-central-1
    backup_dir: s3://backups/pgsafe/db1/community_connect/migration_20261116_143022
    level: checksum
"""

RETURN = r"""
guard:
  description: The guard that did it, and its run; for the action plugin.
  returned: when a guard was started
  type: dict
reached:
  description: The highest level without a finding; empty when not even the first was reached, or in check mode.
  returned: always
  type: str
  sample: restore
findings:
  description: What is wrong, one line each.
  returned: always
  type: list
  elements: str
seconds:
  description: The duration of each level in seconds.
  returned: always
  type: dict
steps:
  description: The duration of each step of each level in seconds.
  returned: always
  type: dict
notes:
  description: What could not be said, or was done otherwise than usual; no fault of the backup's.
  returned: always
  type: list
  elements: str
not_given_back:
  description:
    - What a rollback to this backup would not give back, a line each. The level V(restore) names what did differ in
      the restored copy; a lower level what the catalogs foretell.
  returned: always
  type: list
  elements: str
  sample: ["materialized view public.daily_sales: 20 rows instead of 19 rows"]
verified_copy:
  description: The name of the verified copy that is kept for a rollback; empty when none is.
  returned: always
  type: str
restore_seconds:
  description: How long a rollback by restore is expected to take, from the duration of level V(restore).
  returned: always
  type: float
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Backup integrity verified: level restore, in 4.2 s"]
"""

from ..module_utils.guarded.pg_backup_verify import main

if __name__ == "__main__":
    main()

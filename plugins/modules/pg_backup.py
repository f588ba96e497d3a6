#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup
short_description: Back up a PostgreSQL database in three formats from one snapshot
version_added: 0.1.0
description:
  - Writes a custom-format archive, an SQL script and a CSV file per table, all of one exported snapshot, into a new
    directory C(<backup_root>/<database>/migration_YYYYMMDD_HHMMSS).
  - Every file appears under its name whole and synced. The manifest is written last; without it, it is no backup.
  - The directory has the mode 0700 and every file 0600.
options:
  backup_root:
    description: The directory, on the target, under which backups are made. It must exist.
    type: path
    required: true
  jobs:
    description: How many sessions read tables beside pg_dump.
    type: int
    default: 2
  csv:
    description:
      - Which tables get a CSV, as patterns of C(schema.table), such as V(public.*) or V(community_*); for tables of the
        schema C(public) the name is enough. None when empty.
    type: list
    elements: str
    default: ["*"]
  volatile_tables:
    description:
      - Which tables other sessions truncate all the time, such as queues, caches and staging tables, as patterns like
        those of O(csv). They are read first, from the same snapshot as all others, and not locked after that, so that
        C(TRUNCATE) does not wait until pg_dump ends.
      - A table that a foreign key of a table not named here points at, or that shares inheritance with one, is refused.
      - Without effect behind a fence that keeps other sessions from writing.
    type: list
    elements: str
    default: []
  compress_method:
    description:
      - How the archive is compressed. V(lz4) and V(zstd) need pg_dump 16 or later that was built with them.
      - Only V(gzip) carries a checksum of the content, so with another method a damaged block may decode to wrong data;
        the manifest says so, and only the checksums of the files show it.
    type: str
    choices: [gzip, lz4, zstd, none]
    default: gzip
  compress_level:
    description: The level of the archive and of the script, which is always gzip; 1 (fast) to 9 (small).
    type: int
    choices: [1, 2, 3, 4, 5, 6, 7, 8, 9]
    default: 1
  lock_timeout:
    description:
      - How many seconds to wait for tables that other sessions lock, truncate or alter before pg_dump has its locks.
        The backup does not queue for them for more than half a second at a time.
    type: int
    default: 30
  on_blocked_ddl:
    description:
      - What to do when DDL of another session has waited for the locks of the backup for 5 seconds, and other sessions
        queue behind it. V(warn) reports it afterwards, V(abort) cancels the backup.
    type: str
    choices: [warn, abort]
    default: warn
  run_id:
    description: The run, begun by M(pgsafe.migration.pg_fence), that the backup is part of. By default a new one.
    type: str
    default: ""
  fingerprint:
    description:
      - How closely the tables are read for the fingerprint that copies of this database are compared with.
      - V(full) reads every row. V(sampled) counts every row and reads about one in 64, chosen by a hash of its primary
        key, so that it is the same rows in a copy; tables without a primary key are read in full. V(counts) counts
        every row and reads none.
      - The manifest says how each table was read, and every later comparison reads in the same way.
    type: str
    choices: [full, sampled, counts]
    default: full
  fingerprint_budget:
    description:
      - How many seconds of reading O(fingerprint=full) may take, those of all sessions added up. Tables that do not fit
        into it, by the rate that was measured meanwhile, are read as V(sampled). V(0) sets no limit.
    type: float
    default: 14400
  audit:
    description:
      - The RV(pgsafe.migration.pg_audit_info#module:audit) of the run, written as C(audit_report.txt). The manifest
        notes its findings.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
  idempotent:
    support: none
    details: Every call takes a new backup.
  action:
    description: Has an action plugin, which stays with the guard on the target that does the work.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.grace
  - pgsafe.migration.guard
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Take a backup
  pgsafe.migration.pg_backup:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
  register: backup
"""

RETURN = r"""
guard:
  description: The guard that did it, and its run; for the action plugin.
  returned: when a guard was started
  type: dict
run_id:
  description: The run that the backup belongs to; empty in check mode.
  returned: success
  type: str
  sample: "20261116_143022"
backup_dir:
  description: The backup's directory; empty in check mode.
  returned: success
  type: str
  sample: /var/backups/pgsafe/community_connect/migration_20261116_143022
bytes:
  description: The size of the backup in bytes; 0 in check mode.
  returned: success
  type: int
database_bytes:
  description: The size of the database in bytes.
  returned: success
  type: int
rows:
  description: Rows by table; empty in check mode.
  returned: success
  type: dict
fingerprint:
  description: How closely the tables were read, V(full) if all of them were in full; empty in check mode.
  returned: success
  type: str
  sample: full
files:
  description: The files with name, kind, size, sha256 and more; empty in check mode.
  returned: success
  type: list
  elements: dict
warnings_given:
  description: What pg_dump or the watch over the locks said without failing the backup.
  returned: success
  type: list
  elements: str
swept:
  description: Unfinished backup directories of dead runs that were removed before.
  returned: success
  type: list
  elements: str
seconds:
  description:
    - The duration of each part in seconds; empty in check mode. That of C(fingerprint) is the time of all sessions that
      read for it, added up.
  returned: success
  type: dict
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Backup created: /var/backups/…/full_backup.dump (245M)"]
"""

from ..module_utils.guarded.pg_backup import main

if __name__ == "__main__":
    main()

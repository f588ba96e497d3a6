#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_preflight_facts
short_description: Gather the facts that decide whether a PostgreSQL database can be migrated safely
version_added: 0.1.0
description:
  - Reads versions, sizes, free space, privileges, sessions and everything that would prevent a backup, a migration
    or a rollback, and reports all problems at once, each with a remedy.
  - It reads, and changes nothing. With O(probe) it also makes an empty database and drops it again, to see who gets
    in.
  - What the role cannot see is reported too, as RV(ansible_facts.pg_preflight.not_seen) and as a warning.
options:
  scope:
    description:
      - What the checks are for. A check is run when it concerns one of them.
      - The scope V(restore) is about restoring the database as it is now; M(pgsafe.migration.pg_restore_safe) looks by
        itself at what would prevent the restore of a certain backup.
    type: list
    elements: str
    choices: [backup, migration, restore]
    default: [backup, migration, restore]
  waive:
    description:
      - Checks whose errors you accept, by their names, each with the reason. The errors become warnings that show the
        reason. The name of an unknown check is refused.
    type: dict
    default: {}
  probe:
    description:
      - Create an empty database with a name like those that a run uses, connect to it with psycopg2 and every client
        tool, and drop it, since pg_hba.conf and the pgpass file may match by database. Not in check mode.
    type: bool
    default: true
  backup_root:
    description: The directory, on the target, under which backups are made.
    type: path
    required: true
  level:
    description: The level of proof that the backup will need; a restore beside the live database needs room.
    type: str
    choices: [checksum, decode, restore]
    default: restore
  fence:
    description:
      - The kind of fence that will be raised; see M(pgsafe.migration.pg_fence).
      - V(auto) is V(closed+copied) where the filesystem of the server's data is seen to clone files and PostgreSQL is
        18 or later, or where copying them takes no longer than O(copying); else V(read_only+closed). O(max_unavailable)
        can change that.
    type: str
    choices: [read_only+closed, closed, closed+copied, followed+closed, connect, none, auto]
    default: auto
  proof:
    description: Where the level V(restore) will restore; see M(pgsafe.migration.pg_backup_verify).
    type: str
    choices: [scratch, verified_copy, temporary_instance, auto]
    default: auto
  instance_directory:
    description:
      - The directory that a V(temporary_instance) will be made in.
      - By default beside the backup, or in C(/var/tmp) when the task is root's.
    type: path
  csv:
    description: Which tables will get a CSV, as patterns of C(schema.table).
    type: list
    elements: str
    default: ["*"]
  compress_method:
    description: How the archive will be compressed.
    type: str
    choices: [gzip, lz4, zstd, none]
    default: gzip
  jobs:
    description: How many sessions will read tables.
    type: int
    default: 2
  free_bytes:
    description: How many bytes are free for a copy, where the server's disk cannot be seen from the target.
    type: int
  expected_tables:
    description: Tables without which it is the wrong database, as C(schema.table), or by their name alone in C(public).
    type: list
    elements: str
    default: []
  copy_to:
    description: The places that M(pgsafe.migration.pg_backup_copy) will copy the backup to.
    type: list
    elements: dict
    default: []
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
        description: Whether the migration is refused without the copy; else a problem of the place is a warning.
        type: bool
        default: true
  controller_places:
    description: What the action plugin has found of the places on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      place:
        description: The directory of the host.
        type: str
        required: true
      required:
        description: Whether the migration is refused without the copy.
        type: bool
        required: true
      free_bytes:
        description: Free there.
        type: int
        required: true
      problem:
        description: Why it cannot be used; empty when it can.
        type: str
        required: true
      remedy:
        description: What to do about that.
        type: str
        required: true
  disk_factor:
    description: The free space that the backup's filesystem must have, in sizes of the backup that is expected.
    type: float
    default: 1.2
  long_transaction:
    description: After how many seconds a transaction counts as long.
    type: int
    default: 300
  max_unavailable:
    description:
      - How many seconds clients may be unable to write before the migration itself, with the seconds without service,
        as far as that can be predicted. V(0) sets no limit.
      - With O(fence=auto) the first kind of fence that is predicted to keep within it is chosen, V(followed+closed)
        among them. Where none is, or the prediction for the kind that was asked for is longer, that is an error, which
        lists every kind of fence with its prediction and what it would need.
    type: float
    default: 0
  copying:
    description:
      - How many seconds copying the files of the closed database may take for O(fence=auto) to choose it, where they
        cannot be cloned. With V(0) they are cloned or not copied.
    type: float
    default: 0
  copy_timeout:
    description: >-
      How many seconds may go by until a copy that follows is proven equal, as
      O(pgsafe.migration.pg_migration_apply#module:copy_timeout) has it; a comparison that may take longer is reported.
    type: float
    default: 60
  keep_copy_for:
    description: >-
      How long the verified copy is to stay after a good verdict, as
      O(pgsafe.migration.pg_migration_apply#module:keep_copy_for) has it; what it takes is reported.
    type: str
    default: "0"
  further_problems:
    description:
      - Problems that were found elsewhere, such as those of M(pgsafe.migration.pg_promotion_info); they are reported
        with the others, and count like them.
    type: list
    elements: dict
    default: []
  fail:
    description: Fail when there is a problem of severity V(error).
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    details: It only reads, and does not test access.
  idempotent:
    support: full
  facts:
    description: Returns facts.
    support: full
  action:
    description: Has an action plugin, which looks at the places on the controller.
    support: full
requirements:
  - boto3 on the target, for an object store among the places
  - pyrage on the target, for an encrypted copy at one of the places there
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Gather the facts, and stop with every problem at once
  pgsafe.migration.pg_preflight_facts:
    login_db: community_connect
    backup_root: /var/backups/pgsafe

- name: Use them in a condition of your own
  ansible.builtin.assert:
    that:
      - ansible_facts.pg_preflight.database_bytes < 100 * 1024 ** 3
      - ansible_facts.pg_preflight.wal.standbys | length == 0

- name: Look at what concerns a backup alone, and accept one finding
  pgsafe.migration.pg_preflight_facts:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    scope: [backup]
    waive:
      checksum_failures: the damaged table is dropped by this migration, see the ticket
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: success
  type: dict
  contains:
    pg_preflight:
      description: What was found.
      returned: success
      type: dict
      contains:
        server_version:
          description: C(server_version_num), such as 180006.
          type: int
          returned: always
        server_version_text:
          description: The version for people.
          type: str
          returned: always
        database:
          description: The database.
          type: str
          returned: always
        oid:
          description: Its OID.
          type: int
          returned: always
        standby:
          description: Whether the server is a standby.
          type: bool
          returned: always
        followed:
          description: The address of the server that a standby streams from; empty where that cannot be seen.
          type: str
          returned: always
        role:
          description: The role that connects.
          type: dict
          returned: always
          contains:
            name:
              description: Its name.
              type: str
              returned: always
            superuser:
              description: Whether it is a superuser.
              type: bool
              returned: always
            createdb:
              description: Whether it may create databases.
              type: bool
              returned: always
            owns_database:
              description: Whether it owns the database, or is a member of its owner.
              type: bool
              returned: always
            may_signal:
              description: Whether it may end other sessions.
              type: bool
              returned: always
            may_silence:
              description: Whether it may switch event triggers off for its own sessions.
              type: bool
              returned: always
            may_become:
              description: Those of RV(ansible_facts.pg_preflight.wanted.roles) that it can make owners.
              type: list
              elements: str
              returned: always
        wanted:
          description: What a restored copy of the database takes.
          type: dict
          returned: always
          contains:
            of:
              description: What it is a copy of, for people.
              type: str
              returned: always
            bytes:
              description: The size of a copy.
              type: int
              returned: always
            extensions:
              description: Versions by the name of the extension.
              type: dict
              returned: always
            roles:
              description: Roles that own or were granted something, or have settings in the database.
              type: list
              elements: str
              returned: always
            tablespaces:
              description: Tablespaces, without the default ones.
              type: list
              elements: str
              returned: always
            event_triggers:
              description: Event triggers.
              type: list
              elements: str
              returned: always
            login_triggers:
              description: Those of them that fire at logins.
              type: list
              elements: str
              returned: always
            publications:
              description: Publications FOR ALL TABLES.
              type: list
              elements: str
              returned: always
            foreign_servers:
              description: Foreign servers.
              type: list
              elements: str
              returned: always
            owners:
              description: Those of the roles that own something.
              type: list
              elements: str
              returned: always
            globals_file:
              description: Empty here.
              type: str
              returned: always
        data_filesystem:
          description: Where a copy will be.
          type: dict
          returned: always
          contains:
            path:
              description: A path on it.
              type: str
              returned: always
            free_bytes:
              description: Free for an ordinary user; null when it cannot be seen.
              type: int
              returned: always
            device:
              description: An identifier of the filesystem; null likewise.
              type: int
              returned: always
            free_inodes:
              description: Files that can still be made; null likewise, or without a limit.
              type: int
              returned: always
        stated_free_bytes:
          description: What was given as O(free_bytes).
          type: int
          returned: always
        wal:
          description: The write-ahead log and who has to take it.
          type: dict
          returned: always
          contains:
            level:
              description: C(wal_level).
              type: str
              returned: always
            position:
              description: Bytes since its beginning.
              type: int
              returned: always
            most_bytes:
              description: C(max_wal_size).
              type: int
              returned: always
            slot_bytes:
              description: C(max_slot_wal_keep_size); null without that limit.
              type: int
              returned: always
            slots:
              description: Replication slots.
              type: list
              elements: dict
              returned: always
              contains:
                name:
                  description: Its name.
                  type: str
                  returned: always
                kind:
                  description: V(physical) or V(logical).
                  type: str
                  returned: always
                database:
                  description: Of a logical one.
                  type: str
                  returned: always
                active:
                  description: Whether it is in use.
                  type: bool
                  returned: always
                status:
                  description: C(wal_status).
                  type: str
                  returned: always
                safe_bytes:
                  description: What may still be written before it is lost; null without that limit.
                  type: int
                  returned: always
            standbys:
              description: Standbys that stream.
              type: list
              elements: dict
              returned: always
              contains:
                name:
                  description: Its application name.
                  type: str
                  returned: always
                address:
                  description: Where it is.
                  type: str
                  returned: always
                state:
                  description: What it does.
                  type: str
                  returned: always
                behind_bytes:
                  description: What it has still to replay; null when this role may not know.
                  type: int
                  returned: always
            archiver:
              description: Null when nothing is archived.
              type: dict
              returned: always
              contains:
                archived:
                  description: Segments that were archived.
                  type: int
                  returned: always
                failed:
                  description: Attempts that failed.
                  type: int
                  returned: always
                failing:
                  description: Whether the last attempt failed.
                  type: bool
                  returned: always
                last_failed:
                  description: The segment that it failed with.
                  type: str
                  returned: always
            filesystem:
              description: Where it is written.
              type: dict
              returned: always
              contains:
                path:
                  description: A path on it.
                  type: str
                  returned: always
                free_bytes:
                  description: Free for an ordinary user; null when it cannot be seen.
                  type: int
                  returned: always
                device:
                  description: An identifier of the filesystem; null likewise.
                  type: int
                  returned: always
                free_inodes:
                  description: Files that can still be made; null likewise, or without a limit.
                  type: int
                  returned: always
        present_roles:
          description: Those of the wanted roles that exist.
          type: list
          elements: str
          returned: always
        powerful_roles:
          description:
            - Those of the wanted roles whose members can do more than use what they own, such as superusers, and
              members of superusers or of predefined roles.
          type: list
          elements: str
          returned: always
        usable_tablespaces:
          description: By the wanted tablespaces that exist, whether the role may create something there.
          type: dict
          returned: always
        extensions:
          description: What the server has of the wanted extensions, C(versions) and C(trusted) by name.
          type: dict
          returned: always
        prepared_transactions:
          description: Prepared transactions of the database.
          type: list
          elements: str
          returned: always
        subscriptions:
          description: Subscriptions of the database.
          type: list
          elements: dict
          returned: always
          contains:
            name:
              description: Its name.
              type: str
              returned: always
            enabled:
              description: Whether it applies changes.
              type: bool
              returned: always
        sessions:
          description: Other sessions of the database.
          type: list
          elements: dict
          returned: always
          contains:
            pid:
              description: Its process.
              type: int
              returned: always
            user:
              description: Its role.
              type: str
              returned: always
            application:
              description: How it calls itself.
              type: str
              returned: always
            address:
              description: Where it comes from.
              type: str
              returned: always
            state:
              description: What it does.
              type: str
              returned: always
            transaction_seconds:
              description: The age of its transaction; 0 when it has none.
              type: int
              returned: always
        superusers_sessions:
          description: Sessions that this role cannot end.
          type: list
          elements: str
          returned: always
        settings:
          description: Settings that sessions of this role begin with in a copy.
          type: list
          elements: dict
          returned: always
          contains:
            role:
              description: Whose it is; empty for all roles.
              type: str
              returned: always
            name:
              description: Its name.
              type: str
              returned: always
            value:
              description: Its value.
              type: str
              returned: always
        login_events:
          description: The database, when it has a login event trigger.
          type: list
          elements: str
          returned: always
        not_seen:
          description: What this role cannot see from here; each is among the RV(problems) too.
          type: list
          elements: dict
          returned: always
          contains:
            check:
              description: The check that needed it.
              type: str
              returned: always
            severity:
              description: V(warning) or V(info).
              type: str
              returned: always
            what:
              description: What was not seen.
              type: str
              returned: always
            remedy:
              description: How it can be.
              type: str
              returned: always
        tools_version:
          description: Of the client tools of the server's major version; empty when there are none.
          type: str
          returned: always
        tools_problem:
          description: Why none fit, or why pg_dump cannot write the archive that is asked for.
          type: str
          returned: always
        database_bytes:
          description: The size of the database.
          type: int
          returned: always
        tables:
          description: How many tables it has, partitioned ones once.
          type: int
          returned: always
        lockable_tables:
          description: How many tables are locked for a backup, each partition for itself.
          type: int
          returned: always
        relations:
          description: How many files a copy has, roughly.
          type: int
          returned: always
        largest_tables:
          description: Bytes of the twenty largest tables by C(schema.table).
          type: dict
          returned: always
        missing_tables:
          description: Those of O(expected_tables) that are not there.
          type: list
          elements: str
          returned: always
        backup_size:
          description: What a backup is expected to have.
          type: dict
          returned: always
          contains:
            basis:
              description: V(last_backup), V(sample), or V(table_sizes) where nothing could be read.
              type: str
              returned: always
            archive_bytes:
              description: The archive.
              type: int
              returned: always
            script_bytes:
              description: The script.
              type: int
              returned: always
            csv_bytes:
              description: All CSVs.
              type: int
              returned: always
            other_bytes:
              description: Everything else.
              type: int
              returned: always
            files:
              description: How many files.
              type: int
              returned: always
            bytes:
              description: All of it.
              type: int
              returned: always
        backup_root:
          description: The directory of backups, as the user of the play finds it.
          type: dict
          returned: always
          contains:
            path:
              description: Its path.
              type: str
              returned: always
            exists:
              description: Whether it is a directory.
              type: bool
              returned: always
            writable:
              description: Whether it can be written to.
              type: bool
              returned: always
            mode:
              description: Its permissions.
              type: int
              returned: always
            owner:
              description: The number of its owner.
              type: int
              returned: always
            link:
              description: Whether it is a symbolic link.
              type: bool
              returned: always
            weakness:
              description: Why another user could replace what is in it; empty when none could.
              type: str
              returned: always
            remedy:
              description: The command against that.
              type: str
              returned: always
        backup_filesystem:
          description: Where backups are.
          type: dict
          returned: always
          contains:
            path:
              description: A path on it.
              type: str
              returned: always
            free_bytes:
              description: Free for an ordinary user; null when it cannot be seen.
              type: int
              returned: always
            device:
              description: An identifier of the filesystem; null likewise.
              type: int
              returned: always
            free_inodes:
              description: Files that can still be made; null likewise, or without a limit.
              type: int
              returned: always
        controller_places:
          description: The directories of the controller that the backup will be copied to.
          type: list
          elements: dict
          returned: always
          contains:
            place:
              description: The directory of the host.
              type: str
              returned: always
            required:
              description: Whether the migration is refused without the copy.
              type: bool
              returned: always
            free_bytes:
              description: Free there.
              type: int
              returned: always
            problem:
              description: Why it cannot be used; empty when it can.
              type: str
              returned: always
            remedy:
              description: What to do about that.
              type: str
              returned: always
        copy_encryption:
          description: The places whose copies will be encrypted.
          type: list
          elements: dict
          returned: always
          contains:
            place:
              description: The place, a directory or a URL.
              type: str
              returned: always
            required:
              description: Whether the migration is refused without the copy.
              type: bool
              returned: always
            problem:
              description: Why a copy cannot be encrypted; empty when it can.
              type: str
              returned: always
            remedy:
              description: What to do about that.
              type: str
              returned: always
        copy_stores:
          description: The object stores that the backup will be copied to.
          type: list
          elements: dict
          returned: always
          contains:
            url:
              description: Its URL.
              type: str
              returned: always
            required:
              description: Whether the migration is refused without the copy.
              type: bool
              returned: always
            problem:
              description: Why it cannot be listed; empty when it can.
              type: str
              returned: always
            remedy:
              description: What to do about that.
              type: str
              returned: always
        copy_places:
          description: The directories that the backup will be copied to.
          type: list
          elements: dict
          returned: always
          contains:
            directory:
              description: The place, as the user of the play finds it.
              type: dict
              returned: always
              contains:
                path:
                  description: Its path.
                  type: str
                  returned: always
                exists:
                  description: Whether it is a directory.
                  type: bool
                  returned: always
                writable:
                  description: Whether it can be written to.
                  type: bool
                  returned: always
                mode:
                  description: Its permissions.
                  type: int
                  returned: always
                owner:
                  description: The number of its owner.
                  type: int
                  returned: always
                link:
                  description: Whether it is a symbolic link.
                  type: bool
                  returned: always
                weakness:
                  description: Why another user could replace what is in it; empty when none could.
                  type: str
                  returned: always
                remedy:
                  description: The command against that.
                  type: str
                  returned: always
            filesystem:
              description: Its file system.
              type: dict
              returned: always
              contains:
                path:
                  description: A path on it.
                  type: str
                  returned: always
                free_bytes:
                  description: Free for an ordinary user; null when it cannot be seen.
                  type: int
                  returned: always
                device:
                  description: An identifier of the filesystem; null likewise.
                  type: int
                  returned: always
                free_inodes:
                  description: Files that can still be made; null likewise, or without a limit.
                  type: int
                  returned: always
            required:
              description: Whether the migration is refused without the copy.
              type: bool
              returned: always
        proof:
          description: Where the backup will be proven; V(none) below the level V(restore).
          type: str
          returned: always
        proof_reason:
          description: Why there.
          type: str
          returned: always
        proof_filesystem:
          description: Where a temporary instance for the proof will be; null when there is none.
          type: dict
          returned: always
          contains:
            path:
              description: A path on it.
              type: str
              returned: always
            free_bytes:
              description: Free for an ordinary user; null when it cannot be seen.
              type: int
              returned: always
            device:
              description: An identifier of the filesystem; null likewise.
              type: int
              returned: always
            free_inodes:
              description: Files that can still be made; null likewise, or without a limit.
              type: int
              returned: always
        fence:
          description: The kind of fence that will be raised.
          type: str
          returned: always
        fence_reason:
          description: Why it was chosen.
          type: str
          returned: always
        closed_copy:
          description: How the files of the closed database would be copied.
          type: dict
          returned: always
          contains:
            why_not:
              description: Why they cannot be; empty when they can.
              type: str
              returned: always
            cloned:
              description: Whether the filesystem is seen to share blocks between files.
              type: bool
              returned: always
            seconds:
              description: That it is expected to take.
              type: float
              returned: always
        followed_copy:
          description: What keeps a verified copy from following the database; empty for another kind of fence.
          type: list
          elements: dict
          returned: always
          contains:
            severity:
              description: V(error), or V(warning) where it is an estimate.
              type: str
              returned: always
            what:
              description: What it is, a clause.
              type: str
              returned: always
            remedy:
              description: What to do about it.
              type: str
              returned: always
        thresholds:
          description: From when on something is a problem.
          type: dict
          returned: always
          contains:
            disk_factor:
              description: As O(disk_factor).
              type: float
              returned: always
            long_transaction:
              description: As O(long_transaction).
              type: int
              returned: always
            max_unavailable:
              description: As O(max_unavailable).
              type: float
              returned: always
            copying:
              description: As O(copying).
              type: float
              returned: always
            copy_timeout:
              description: As O(copy_timeout).
              type: float
              returned: always
        keep_copy_seconds:
          description: How long the verified copy is to stay after a good verdict.
          type: float
          returned: always
        other_histories:
          description: The histories of other migration tools, as pairs of the tool's name and its table.
          type: list
          elements: list
          returned: always
        publications:
          description: Publications of the database.
          type: list
          elements: str
          returned: always
        lock_capacity:
          description: How many locks the server has room for.
          type: int
          returned: always
        lock_waits:
          description: Sessions that wait for a lock.
          type: list
          elements: dict
          returned: always
          contains:
            pid:
              description: Its process.
              type: int
              returned: always
            user:
              description: Its role.
              type: str
              returned: always
            table:
              description: The table, if it is one.
              type: str
              returned: always
            seconds:
              description: How long it has waited.
              type: int
              returned: always
            holders:
              description: The sessions in its way; 0 for a prepared transaction.
              type: list
              elements: int
              returned: always
        unreadable:
          description: Tables, sequences and large objects that the role may not read.
          type: list
          elements: str
          returned: always
        hidden_rows:
          description: Tables of which row-level security hides rows.
          type: list
          elements: str
          returned: always
        owner_code:
          description: Functions of other roles that a restore runs with the rights of this one, unless trusted.
          type: list
          elements: dict
          returned: always
          contains:
            function:
              description: Its qualified name.
              type: str
              returned: always
            owner:
              description: Its owner.
              type: str
              returned: always
            used_by:
              description: The object that calls it.
              type: str
              returned: always
        reordered_tables:
          description: Inheriting tables whose columns a restore would put in another order.
          type: list
          elements: str
          returned: always
        not_given_back:
          description: What else a rollback would not give back, a line each.
          type: list
          elements: str
          returned: always
        left_out:
          description: What a dump by this role would silently omit.
          type: list
          elements: str
          returned: always
        not_dumped:
          description: What a dump by any role would leave out.
          type: list
          elements: str
          returned: always
        bare_languages:
          description: Languages that are dumped without the functions that they call, each with one of these.
          type: list
          elements: list
          returned: always
        removed_functions:
          description: Functions that an extension makes though they were taken from it, each with the extension.
          type: list
          elements: list
          returned: always
        unfinished_runs:
          description: Backups of runs that changed the database and never ended.
          type: list
          elements: str
          returned: always
        runs_at_work:
          description: Backups of runs that a process works on.
          type: list
          elements: str
          returned: always
        roles_that_write:
          description: Roles that a read-only fence does not stop.
          type: list
          elements: str
          returned: always
        invalid_databases:
          description: Databases that an interrupted DROP DATABASE has left.
          type: list
          elements: str
          returned: always
        left_probes:
          description: Empty databases that a killed preflight has left.
          type: list
          elements: str
          returned: always
        checksum_failures:
          description: Damaged pages that the server has counted; null when it has no checksums.
          type: int
          returned: always
        track_counts:
          description: Whether the server counts the rows that are written.
          type: bool
          returned: always
        old_snapshot_threshold:
          description: V(-1) when snapshots last.
          type: str
          returned: always
        pooler:
          description: V(none), V(session) or V(transaction).
          type: str
          returned: always
        access_problems:
          description: Which tools could not connect to which database.
          type: list
          elements: str
          returned: always
        managed_by:
          description: The service that the server looks like; empty for none.
          type: str
          returned: always
        job_container:
          description: The first process of the container that the target is, where that ends with the play; else empty.
          type: str
          returned: always
        session_role:
          description: The role that the migration is to run as (O(session_role)); null for the role that connects.
          type: dict
          returned: always
          contains:
            name:
              description: Its name.
              type: str
              returned: always
            present:
              description: Whether it exists.
              type: bool
              returned: always
            permitted:
              description: Whether the role that connects may SET ROLE to it.
              type: bool
              returned: always
            powerful:
              description: Whether it is a superuser or one of PostgreSQL's own roles.
              type: bool
              returned: always
        predictions:
          description:
            - How long clients are expected to wait behind each kind of fence, without the migration itself. The first
              are those that O(fence=auto) chooses from, in its order.
          type: list
          elements: dict
          returned: always
          contains:
            kind:
              description: The kind of fence.
              type: str
              returned: always
            without_writes:
              description: Seconds, with those without service; null when that is not known.
              type: float
              returned: always
            without_writes_most:
              description: The same on a slow or busy host.
              type: float
              returned: always
            without_service:
              description: Seconds; null when that is not known.
              type: float
              returned: always
            basis:
              description: Where the figures come from.
              type: str
              returned: always
            why_not:
              description: Why it is not possible here; empty when it is.
              type: str
              returned: always
            by_hand:
              description: Why O(fence=auto) does not choose it; empty when it may.
              type: str
              returned: always
        wal_bytes:
          description: What the restore of a copy writes of the write-ahead log.
          type: int
          returned: always
        copy_bytes:
          description: What a copy takes on its disk, with the log where that is there too.
          type: int
          returned: always
problems:
  description: Every problem, also those that did not fail the module.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: The name of the check.
      type: str
      returned: always
    severity:
      description: One of V(error), V(warning), V(info).
      type: str
      returned: always
    what:
      description: What was found.
      type: str
      returned: always
    remedy:
      description: What to do about it.
      type: str
      returned: always
    waived:
      description: Why its check was waived; empty for a problem that was not.
      type: str
      returned: always
waived:
  description: The problems that were waived, for the report of a backup; each with its reason.
  returned: success
  type: list
  elements: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Preflight: PostgreSQL 18.6, 14M in 7 tables"]
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..module_utils.arguments import (
    BACKUP_ROOT,
    CONNECTION,
    COPY,
    COPY_TO,
    JOBS,
    LEVEL,
    keep_copy_seconds,
    store_address,
    target,
)
from ..module_utils.console import preflight as console
from ..module_utils.errors import Problem, Refused
from ..module_utils.fence import run as fence
from ..module_utils.ports.module import serve
from ..module_utils.preflight import fence_choice, waivers
from ..module_utils.preflight import run as preflight
from ..module_utils.preflight.checks.check import SCOPES, ControllerPlace, Thresholds

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    **LEVEL,
    "fence": {"type": "str", "choices": [*fence.KINDS, fence_choice.AUTO], "default": fence_choice.AUTO},
    **JOBS,
    "scope": {"type": "list", "elements": "str", "choices": list(SCOPES), "default": list(SCOPES)},
    "waive": {"type": "dict", "default": {}},
    "probe": {"type": "bool", "default": True},
    "proof": {"type": "str", "choices": ["scratch", "verified_copy", "temporary_instance", "auto"], "default": "auto"},
    "instance_directory": {"type": "path"},
    "csv": {"type": "list", "elements": "str", "default": ["*"]},
    "compress_method": {"type": "str", "choices": ["gzip", "lz4", "zstd", "none"], "default": "gzip"},
    "free_bytes": {"type": "int"},
    "expected_tables": {"type": "list", "elements": "str", "default": []},
    "copy_to": {**COPY_TO["copy_to"], "default": []},
    "controller_places": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "place": {"type": "str", "required": True},
            "required": {"type": "bool", "required": True},
            "free_bytes": {"type": "int", "required": True},
            "problem": {"type": "str", "required": True},
            "remedy": {"type": "str", "required": True},
        },
    },
    "disk_factor": {"type": "float", "default": 1.2},
    "long_transaction": {"type": "int", "default": 300},
    "max_unavailable": {"type": "float", "default": 0},
    "copying": {"type": "float", "default": 0},
    **COPY,
    "further_problems": {"type": "list", "elements": "dict", "default": []},
    "fail": {"type": "bool", "default": True},
}


class PreflightFailed(Refused):
    """There are errors among the problems."""

    def __init__(self, found: preflight.Preflight) -> None:
        listed = "".join(
            f"\n  {number}. {problem.what} {problem.remedy}{_further(problem, found)}"
            for number, problem in enumerate(found.errors, 1)
        )
        count = len(found.errors)
        stands = "1 problem stands" if count == 1 else f"{count} problems stand"
        super().__init__(f"{stands} in the way of a safe migration:{listed}\n")
        self.found = found

    def facts(self) -> dict[str, Any]:
        problems = [asdict(problem) for problem in self.found.problems]
        return {**super().facts(), "problems": problems, "console": console.preflight(self.found)}


def _further(error: Problem, found: preflight.Preflight) -> str:
    """What the check of an error has said besides."""
    said = [one.told for one in found.problems if one.check == error.check and one.severity == "info"]
    return "".join(f"\n     - {line}" for line in said)


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    found = preflight.run(request(params, check_mode)).joined(params["further_problems"])
    if found.errors and params["fail"]:
        raise PreflightFailed(found)
    return {
        "changed": False,
        "ansible_facts": {"pg_preflight": preflight.as_facts(found.facts)},
        "problems": [asdict(problem) for problem in found.problems],
        "waived": [problem.as_text() for problem in found.waived],
        "console": console.preflight(found),
    }


def request(params: dict[str, Any], check_mode: bool) -> preflight.PreflightRequest:
    directory = params["instance_directory"]
    return preflight.PreflightRequest(
        target=target(params),
        backup_root=Path(params["backup_root"]),
        scopes=params["scope"],
        thresholds=thresholds(params),
        keep_copy_seconds=keep_copy_seconds(params),
        restore_level=params["level"] == "restore",
        proof=params["proof"],
        instance_directory=Path(directory) if directory else None,
        fence=params["fence"],
        csv=params["csv"],
        compress_method=params["compress_method"],
        jobs=params["jobs"],
        free_bytes=params["free_bytes"],
        expected_tables=params["expected_tables"],
        copy_to={Path(given["path"]): given["required"] for given in params["copy_to"] if given["path"]},
        copy_stores={store_address(given): given["required"] for given in params["copy_to"] if given["url"]},
        copy_encryption={
            given["path"] or given["url"]: (given["required"], tuple(given["age_recipients"]))
            for given in params["copy_to"]
            if given["age_recipients"] and not given["controller"]
        },
        controller_places=[ControllerPlace(**facts) for facts in params["controller_places"]],
        waived=waivers.read(params["waive"]),
        probe=params["probe"] and not check_mode,
    )


def thresholds(params: dict[str, Any]) -> Thresholds:
    names = ("disk_factor", "long_transaction", "max_unavailable", "copying", "copy_timeout")
    return Thresholds(**{name: params[name] for name in names})


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()

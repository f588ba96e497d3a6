# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SQL that has names. Catalogs: https://www.postgresql.org/docs/current/catalogs.html"""

from __future__ import annotations

from ..model import RECORD_SCHEMA

_USER_SCHEMA = f"""n.nspname NOT LIKE 'pg\\_%%' AND n.nspname NOT IN ('information_schema', '{RECORD_SCHEMA}')"""

# What an extension made is the extension's; its configuration tables are dumped with their rows, and count.
_OWN = """NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
 WHERE d.deptype = 'e' AND d.objid = {oid} AND d.classid = '{catalog}'::regclass)"""
_OWN_CLASS = _OWN.format(oid="c.oid", catalog="pg_catalog.pg_class")
_OWN_OR_CONFIGURATION = (
    f"""({_OWN_CLASS} OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))"""
)

IDENTITY = """
SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
       d.oid::bigint, d.datname,
       (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())
  FROM pg_catalog.pg_database d WHERE d.datname = %s
"""

DATABASE_COMMENT = """
SELECT COALESCE(pg_catalog.shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database WHERE datname = %s
"""

# With the beginning of the comment that marks it.
MARKED = """
SELECT datname, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
 WHERE pg_catalog.shobj_description(oid, 'pg_database') ^@ %s
"""

DATABASE_OID = "SELECT oid FROM pg_catalog.pg_database WHERE datname = %s"

NAME_AND_OPEN = "SELECT datname, datallowconn FROM pg_catalog.pg_database WHERE oid = %s"

# No row for a role that may not see it, where current_setting() would fail.
DATA_DIRECTORY = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'"
PRELOAD_LIBRARIES = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'"

SLOT_EXISTS = "SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = %s"

STANDBY = "SELECT pg_catalog.pg_is_in_recovery()"
# The server that a standby streams from; NULL for a role that may not see it.
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-WAL-RECEIVER-VIEW
FOLLOWED = "SELECT sender_host || ':' || sender_port::text FROM pg_catalog.pg_stat_wal_receiver"

DATABASE_SIZE = "SELECT pg_catalog.pg_database_size(oid) FROM pg_catalog.pg_database WHERE datname = %s"

TABLES = f"""
SELECT n.nspname, c.relname, c.relkind::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND {_USER_SCHEMA} AND {_OWN_OR_CONFIGURATION}
 ORDER BY 1, 2
"""

# Every relation whose content the formats must agree on, partitions and the record of applied sets included.
LOCKABLE = """
SELECT n.nspname, c.relname, c.relkind::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
 ORDER BY 1, 2
"""

# The heaps of those tables: a partitioned one's leaves, without foreign ones, whose rows are elsewhere. Only a heap can
# be cut by pages: https://www.postgresql.org/docs/current/storage-page-layout.html
TABLE_PARTS = f"""
SELECT n.nspname, c.relname, c.relkind::text, s.nspname, p.relname,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
              WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
       COALESCE(pg_catalog.pg_table_size(p.oid), 0),
       CASE WHEN m.amname = 'heap' THEN COALESCE(pg_catalog.pg_relation_size(p.oid), 0)
            / pg_catalog.current_setting('block_size')::bigint ELSE 0 END
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT c.oid WHERE c.relkind = 'r' UNION ALL
                     SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE c.relkind = 'p') AS l (relid)
  JOIN pg_catalog.pg_class p ON p.oid = l.relid AND p.relkind = 'r'
  JOIN pg_catalog.pg_namespace s ON s.oid = p.relnamespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = p.relam
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND {_USER_SCHEMA} AND {_OWN_OR_CONFIGURATION}
 ORDER BY 1, 2, 4, 5
"""

# The leaves of a partitioned table, foreign ones too.
LEAVES = """
SELECT n.nspname, c.relname, c.relkind::text
  FROM pg_catalog.pg_partition_tree(pg_catalog.format('%%I.%%I', %s::text, %s::text)::regclass) t
  JOIN pg_catalog.pg_class c ON c.oid = t.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE t.isleaf AND c.relkind <> 'p' ORDER BY 1, 2
"""

EXPORT_SNAPSHOT = "SELECT pg_catalog.pg_export_snapshot()"

# Of all objects together, and whether there are any.
LARGE_OBJECT_BYTES = """
SELECT pg_catalog.pg_table_size('pg_catalog.pg_largeobject'), EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
"""

LARGE_OBJECTS = "SELECT oid FROM pg_catalog.pg_largeobject_metadata"

BLOCK_SIZE = "SELECT pg_catalog.current_setting('block_size')"

# Heaps whose rows' text changes only together with their blocks. Unlogged ones are in no log, and a crash empties them.
# Names of objects and of roles, and the columns of composite types, are other texts without a change of the rows.
BLOCK_HEAPS = """
WITH RECURSIVE made_of (oid, part) AS (
SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0
 UNION ALL SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typbasetype <> 0
 UNION ALL SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
 UNION ALL SELECT rngmultitypid, rngsubtype FROM pg_catalog.pg_range),
unstable (oid) AS (
SELECT t.oid FROM pg_catalog.pg_type t
 WHERE t.typtype = 'c'
    OR (t.typnamespace = 'pg_catalog'::regnamespace AND (t.typname LIKE 'reg%' OR t.typname = 'aclitem'))
 UNION SELECT m.oid FROM unstable u JOIN made_of m ON m.part = u.oid)
SELECT n.nspname, c.relname, c.oid::bigint, pg_catalog.pg_relation_filenode(c.oid)::bigint,
       COALESCE(pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(
         ' ', a.attname, a.attnum, a.atttypid, a.atttypmod, a.attgenerated, a.attmissingval::text, d.adbin::text),
         ',' ORDER BY a.attnum)), '')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'heap'
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
 GROUP BY n.nspname, c.relname, c.oid
HAVING NOT pg_catalog.bool_or(COALESCE(a.atttypid IN (SELECT oid FROM unstable), false))
"""

# What else decides the text of a row, and the files of the catalogs that hold the large objects.
TYPES_AND_OBJECT_FILES = """
SELECT COALESCE(pg_catalog.md5(pg_catalog.string_agg(
         pg_catalog.concat_ws(' ', o.kind, o.oid, o.xmin), ',' ORDER BY o.kind, o.oid)), ''),
       ARRAY[pg_catalog.pg_relation_filenode('pg_catalog.pg_largeobject')::bigint,
             pg_catalog.pg_relation_filenode('pg_catalog.pg_largeobject_metadata')::bigint]
  FROM (SELECT 'enum' AS kind, oid, xmin FROM pg_catalog.pg_enum
         UNION ALL SELECT 'type', oid, xmin FROM pg_catalog.pg_type
         WHERE oid >= 16384 AND typtype <> 'c' AND typelem = 0
         UNION ALL SELECT 'function', oid, xmin FROM pg_catalog.pg_proc WHERE oid >= 16384
         UNION ALL SELECT 'extension', oid, xmin FROM pg_catalog.pg_extension) AS o
"""

LARGE_OBJECT_COUNT = "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata"

# By its owner, by whom it was granted to, by superusers: https://www.postgresql.org/docs/current/lo-implementation.html
LARGE_OBJECT_READABLE = """(
    (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)
    OR pg_catalog.current_setting('lo_compat_privileges')::boolean
    OR EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) AS e
                WHERE e.privilege_type = 'SELECT'
                  AND (e.grantee = 0 OR pg_catalog.pg_has_role(e.grantee, 'USAGE'))))"""

HIDDEN_LARGE_OBJECTS = f"""
SELECT l.oid::text FROM pg_catalog.pg_largeobject_metadata AS l
 WHERE NOT {LARGE_OBJECT_READABLE} AND l.oid::bigint % {{pieces}} = {{piece}}
"""

# A restore fills them anew, so their content is reported and not compared.
MATERIALIZED_VIEWS = f"""
SELECT n.nspname, c.relname, c.relispopulated AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       pg_catalog.pg_table_size(c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND {_USER_SCHEMA} AND {_OWN_CLASS}
 ORDER BY 1, 2
"""

LEFT_OUT_OF_CSV = f"""
SELECT n.nspname || '.' || c.relname,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                      WHEN 'f' THEN 'foreign table' ELSE 'temporary table' END
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE (c.relkind IN ('v', 'm', 'f') AND {_USER_SCHEMA} AND {_OWN_CLASS})
    OR (c.relkind = 'r' AND c.relpersistence = 't')
 ORDER BY 1
"""

COLUMNS = """
SELECT a.attname, a.attgenerated <> ''
  FROM pg_catalog.pg_attribute a
 WHERE a.attrelid = pg_catalog.format('%%I.%%I', %s::text, %s::text)::regclass
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""

# The columns of each index that identifies a row: unique, of whole columns that are not null, without a predicate.
ROW_KEYS = """
SELECT n.nspname, c.relname, k.columns
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place), pg_catalog.bool_and(a.attnotnull)
                       FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum
                      WHERE u.place <= i.indnkeyatts) AS k (columns, filled)
 WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.filled
   AND c.relkind IN ('r', 'p')
 ORDER BY 1, 2, i.indisprimary DESC, i.indnkeyatts, k.columns
"""

SEQUENCES = f"""
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {_USER_SCHEMA} AND {_OWN_OR_CONFIGURATION}
 ORDER BY 1, 2
"""

# Lock holders that block an ACCESS SHARE lock. A prepared transaction has no pid, and until a restart the
# virtual transaction of the session that prepared it; the lock on its own transaction id tells which one it is.
# Who has one of the tables that a backup reads for itself, or waits for that.
LOCK_HOLDERS = """
SELECT DISTINCT c.relname, l.pid,
       COALESCE(a.usename, p.owner), COALESCE(a.application_name, 'prepared transaction ' || p.gid),
       COALESCE(EXTRACT(epoch FROM pg_catalog.now() - COALESCE(a.xact_start, p.prepared)), 0)::bigint,
       l.granted
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
        AND x.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
 WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation'
   AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
 ORDER BY 5 DESC
"""

# Of databases, by their names.
DATABASE_LOCK_HOLDERS = """
SELECT DISTINCT pg_catalog.format('pid %%s (%%s, in its transaction for %%s s)', a.pid, a.usename,
                                  EXTRACT(epoch FROM pg_catalog.now() - a.xact_start)::bigint)
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.locktype = 'object' AND l.classid = 'pg_catalog.pg_database'::regclass AND l.granted
   AND l.objid IN (SELECT oid FROM pg_catalog.pg_database WHERE datname = ANY (%s))
   AND a.pid <> pg_catalog.pg_backend_pid()
"""

# A role that may not read all statistics sees pid, user and database of other sessions, and NULL for the rest.
SESSIONS = """
SELECT pid, usename, COALESCE(application_name, ''), COALESCE(client_addr::text, 'local'),
       COALESCE(state, 'state unknown'),
       COALESCE(EXTRACT(epoch FROM pg_catalog.now() - xact_start), 0)::bigint
  FROM pg_catalog.pg_stat_activity
 WHERE datname = %s AND pid <> ALL (%s)
   AND (backend_type = 'client backend' OR backend_type IS NULL AND usename IS NOT NULL)
 ORDER BY xact_start NULLS LAST, pid
"""

# The two-argument form waits for the session to end: since PostgreSQL 14,
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
TERMINATE = "SELECT pg_catalog.pg_terminate_backend(%s, 5000)"

# The client sessions of a database that began before a moment; of another role's session the moment is a secret, so
# one that cannot be seen is taken for an older one only as long as it may be.
SESSIONS_BEFORE = """
SELECT pid, usename FROM pg_catalog.pg_stat_activity
 WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()
   AND (backend_type = 'client backend' OR backend_type IS NULL AND usename IS NOT NULL)
   AND (backend_start < %s OR backend_start IS NULL AND NOT pid = ANY (%s))
"""

# Fails for a name, quoted, that no role has.
ROLE_EXISTS = "SELECT %s::pg_catalog.regrole"

CLOCK = "SELECT pg_catalog.clock_timestamp()"
IS_SUPERUSER = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = SESSION_USER"

# Does not wait: the caller repeats it until no session is left. Of these databases, and none of this collection's.
TERMINATE_ALL = """
SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
 WHERE datid = ANY (%s) AND pid <> pg_catalog.pg_backend_pid()
   AND (backend_type IN ('client backend', 'parallel worker') OR backend_type IS NULL AND usename IS NOT NULL)
"""

# Another one after a restart, and after a crash from which the server came up by itself.
SERVER_LIFE = """
SELECT pg_catalog.pg_postmaster_start_time()::text
       || COALESCE((SELECT stats_reset::text FROM pg_catalog.pg_stat_bgwriter), '')
"""

# By a number of our own and the OID, whose upper half is negative as an integer.
_RUN_LOCK = 1885827425
TAKE_RUN_LOCK = f"SELECT pg_catalog.pg_try_advisory_lock({_RUN_LOCK}, %s::bigint::bit(32)::integer)"
_LOCK_HOLDER = """
SELECT a.application_name, COALESCE(a.usename, ''), COALESCE(a.client_addr::text, 'the server''s own host'),
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.classid = {} AND l.objid = %s AND l.objsubid = 2 AND l.granted
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""
RUN_LOCK_HOLDER = _LOCK_HOLDER.format(_RUN_LOCK)

# By another number of our own, and one that is made of the name.
_COPY_LOCK = 1885827426
TAKE_COPY_LOCK = f"SELECT pg_catalog.pg_try_advisory_lock({_COPY_LOCK}, %s::bigint::bit(32)::integer)"
COPY_LOCK_HOLDER = _LOCK_HOLDER.format(_COPY_LOCK)

# The oldest statement that a run's migration has running, and how far the build of its index is. Blocks are not all the
# work there is, but the one part of it whose end is known:
# https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING
RUNNING_OF_RUN = """
SELECT a.query, EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.query_start),
       p.blocks_done, NULLIF(p.blocks_total, 0)
  FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_progress_create_index p USING (pid)
 WHERE a.application_name LIKE %(application)s AND a.state = 'active' AND a.backend_type = 'client backend'
   AND (a.datname = %(database)s OR %(database)s = '') AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.query_start LIMIT 1
"""

# Of those that are still open: a verified copy is closed when it is proven.
SIZE_OF_COPY = """
SELECT datname, pg_catalog.pg_database_size(oid) FROM pg_catalog.pg_database WHERE datname = ANY (%s) AND datallowconn
"""

# Sessions of one worker, by the token at the end of their application_name, that began before a moment.
TERMINATE_OF_WORKER = """
SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
 WHERE application_name LIKE %s AND backend_start < %s AND pid <> pg_catalog.pg_backend_pid()
"""

# A setting of the database itself, not of a role in it.
DATABASE_SETTING = """
SELECT pg_catalog.substr(s.setting, pg_catalog.length(%(name)s) + 2)
  FROM pg_catalog.pg_db_role_setting c JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase AND c.setrole = 0
 CROSS JOIN LATERAL pg_catalog.unnest(c.setconfig) AS s (setting)
 WHERE d.oid = %(oid)s AND pg_catalog.split_part(s.setting, '=', 1) = %(name)s
"""

# Settings of roles, in every database or in this one, over which the default of the database has no power.
ROLES_THAT_WRITE = """
SELECT DISTINCT r.rolname FROM pg_catalog.pg_db_role_setting c JOIN pg_catalog.pg_roles r ON r.oid = c.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase
 CROSS JOIN LATERAL pg_catalog.unnest(c.setconfig) AS s (setting)
 WHERE (d.datname = %s OR c.setdatabase = 0)
   AND s.setting IN ('default_transaction_read_only=off', 'default_transaction_read_only=false',
                     'default_transaction_read_only=no', 'default_transaction_read_only=0')
 ORDER BY 1
"""

# What shows that a session wrote: rows by the statistics (large objects and their privileges too), and when these were
# last reset. A crash drops those of every database without a trace there, and leaves one in those of the background
# writer.
WRITE_COUNTERS = f"""
SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint,
       (SELECT pg_catalog.concat_ws(' and ', pg_catalog.to_char(d.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US'),
                                    pg_catalog.to_char(b.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US'))
          FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b
         WHERE d.datname = pg_catalog.current_database()),
       pg_catalog.current_setting('track_counts')
  FROM pg_catalog.pg_stat_all_tables
 WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname NOT IN ('information_schema', '{RECORD_SCHEMA}')
    OR relid IN ('pg_catalog.pg_largeobject'::regclass, 'pg_catalog.pg_largeobject_metadata'::regclass)
"""

# Of the role PUBLIC, so that a file may become any role.
LOCKS_VISIBLE = """
SELECT pg_catalog.has_table_privilege('public', 'pg_catalog.pg_locks', 'SELECT')
   AND pg_catalog.has_function_privilege('public', 'pg_catalog.pg_lock_status()', 'EXECUTE')
"""

# What LOCK TABLE can name, and materialized views; a partition has its parent's label.
RELATION_LABELS = f"""
SELECT c.oid::pg_catalog.int8, pg_catalog.concat(n.nspname, '.', r.relname)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_class r ON r.oid = COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {_USER_SCHEMA}
"""

# What a write, a rewrite or DDL changes, by the label of the table; that of a partition is its parent's. Rows of the
# catalogs that ANALYZE, VACUUM and CREATE INDEX update in place keep their transaction.
TABLE_MARKS = f"""
WITH member AS (
SELECT c.oid, c.xmin, pg_catalog.concat(n.nspname, '.', r.relname) AS label
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_class r ON r.oid = COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {_USER_SCHEMA})
SELECT f.label, sum(pg_catalog.hashtextextended(f.fact, 0))::text FROM (
SELECT m.label, pg_catalog.concat_ws(' ', 'table', m.oid, m.xmin, pg_catalog.pg_relation_filenode(m.oid),
           pg_catalog.pg_stat_get_tuples_inserted(m.oid), pg_catalog.pg_stat_get_tuples_updated(m.oid),
           pg_catalog.pg_stat_get_tuples_deleted(m.oid)) AS fact
  FROM member m
UNION ALL SELECT m.label, pg_catalog.concat_ws(' ', 'attribute', a.attrelid, a.attnum, a.xmin)
  FROM member m JOIN pg_catalog.pg_attribute a ON a.attrelid = m.oid
UNION ALL SELECT m.label, pg_catalog.concat_ws(' ', 'index', i.indexrelid, i.xmin)
  FROM member m JOIN pg_catalog.pg_index i ON i.indrelid = m.oid
UNION ALL SELECT m.label, pg_catalog.concat_ws(' ', 'constraint', k.oid, k.xmin)
  FROM member m JOIN pg_catalog.pg_constraint k ON k.conrelid = m.oid
UNION ALL SELECT m.label, pg_catalog.concat_ws(' ', 'reference', k.oid, k.xmin)
  FROM member m JOIN pg_catalog.pg_constraint k ON k.confrelid = m.oid
) AS f GROUP BY 1
"""

SHARED_MARKS = r"""
SELECT pg_catalog.concat('function ', p.oid), p.xmin::text
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
UNION ALL SELECT pg_catalog.concat('operator ', o.oid), o.xmin::text FROM pg_catalog.pg_operator o WHERE o.oid >= 16384
UNION ALL SELECT pg_catalog.concat('collation ', c.oid), c.xmin::text
  FROM pg_catalog.pg_collation c WHERE c.oid >= 16384
UNION ALL SELECT pg_catalog.concat('domain ', t.oid), pg_catalog.concat_ws(' ', t.xmin,
           (SELECT pg_catalog.string_agg(pg_catalog.concat(k.oid, ' ', k.xmin), ' ' ORDER BY k.oid)
              FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid))
  FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.oid >= 16384
"""

# How many client sessions a database ever had, and the series of statistics that counts them; autovacuum is none.
SESSIONS_EVER = """
SELECT d.sessions, pg_catalog.concat_ws(' and ', pg_catalog.to_char(d.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US'),
                                        pg_catalog.to_char(b.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US'))
  FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b WHERE d.datid = %s
"""

# Sessions of superusers, which a role that is none cannot end.
SUPERUSERS_SESSIONS = """
SELECT a.pid, a.usename FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
 WHERE a.datname = %s AND r.rolsuper AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
 ORDER BY a.pid
"""

SUPERUSERS_OF_OTHERS = """
SELECT DISTINCT a.usename FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
 WHERE a.datname = %s AND r.rolsuper AND NOT COALESCE(a.application_name, '') ^@ 'pgsafe' ORDER BY 1
"""

COPIES = """
SELECT d.datname, COALESCE(pg_catalog.shobj_description(d.oid, 'pg_database'), ''),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
  FROM pg_catalog.pg_database d WHERE d.datname = ANY (%s) ORDER BY 1
"""

KEPT = """
SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'),
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT') THEN pg_catalog.pg_database_size(d.oid) ELSE 0 END
  FROM pg_catalog.pg_database d WHERE pg_catalog.shobj_description(d.oid, 'pg_database') ^@ %s ORDER BY 1
"""

# Named as a run names a database beside another one; further conditions are the caller's.
BESIDE = """
SELECT d.datname, d.oid::bigint, COALESCE(pg_catalog.shobj_description(d.oid, 'pg_database'), ''), d.datallowconn,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid),
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT') THEN pg_catalog.pg_database_size(d.oid) ELSE 0 END
  FROM pg_catalog.pg_database d WHERE d.datname ~ '__[a-z]+[0-9]?_[0-9]{8}_[0-9]{6}(_[0-9]+)?$' ORDER BY 1
"""

LEFT_PROBES = """
SELECT d.datname FROM pg_catalog.pg_database d
 WHERE pg_catalog.shobj_description(d.oid, 'pg_database') = %s AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.application_name ^@ %s) ORDER BY 1
"""

ROLES = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)"

ROLE_OID = "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s"

# Rows written since the statistics were reset: what other sessions did after the snapshot shows here.
# The database's counters, since those of a table are gone with it; with catalogs, TOAST and large objects.
# A session reports its counts within seconds while it lives, and the rest before it leaves pg_stat_activity.
TUPLES_WRITTEN = """
SELECT d.tup_inserted + d.tup_updated + d.tup_deleted,
       CASE WHEN pg_catalog.current_setting('track_counts') = 'on' THEN pg_catalog.concat_ws(' and ',
            pg_catalog.to_char(d.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US'),
            pg_catalog.to_char(b.stats_reset, 'YYYY-MM-DD HH24:MI:SS.US')) ELSE '' END
  FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b WHERE d.datname = pg_catalog.current_database()
"""

PROPERTIES = """
SELECT pg_catalog.pg_get_userbyid(d.datdba), t.spcname, d.datconnlimit,
       pg_catalog.shobj_description(d.oid, 'pg_database'), d.datacl IS NULL, pg_catalog.to_jsonb(d)
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
 WHERE d.datname = %s
"""

ENCODING = "SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database WHERE datname = %s"

DATABASE_ACL = """
SELECT COALESCE(r.rolname, ''), x.privilege_type, x.is_grantable
  FROM pg_catalog.pg_database d
 CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS x
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
 WHERE d.datname = %s ORDER BY 1, 2
"""

DATABASE_SETTINGS = """
SELECT COALESCE(r.rolname, ''), s.setting
  FROM pg_catalog.pg_db_role_setting c JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = c.setrole
 CROSS JOIN LATERAL pg_catalog.unnest(c.setconfig) AS s (setting)
 WHERE d.datname = %s ORDER BY 1, 2
"""

# Bytes of a table with its TOAST, and of all partitions of a partitioned one; no index.
TABLE_SIZES = """
SELECT n.nspname, c.relname, c.relkind::text,
       COALESCE((SELECT sum(pg_catalog.pg_table_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) t),
                pg_catalog.pg_table_size(c.oid))::bigint
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
"""

ROLE = """
SELECT r.rolname, r.rolsuper, r.rolcreatedb, pg_catalog.pg_has_role(d.datdba, 'USAGE'),
       r.rolsuper OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
  FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
 WHERE r.rolname = CURRENT_USER AND d.datname = %s
"""

PREPARED = "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = %s ORDER BY prepared"

PREPARED_HERE = """
SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() ORDER BY prepared
"""

# One number for all user objects: the xmin of a catalog row changes with every DDL statement on it, and with nothing
# else (VACUUM and ANALYZE update pg_class in place). A rebuilt index is no DDL for a backup, so indexes count by OID.
_LASTING = "n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'"
_OF_CLASS = f"""JOIN pg_catalog.pg_class c ON c.oid = {{}}
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {_LASTING}"""

# Objects that pg_describe_object names. Comments on temporary tables come and go with them.
_DESCRIBED = " UNION ALL ".join(
    [
        *(
            f"SELECT tableoid AS classoid, oid AS objoid, 0 AS objsubid, xmin FROM pg_catalog.{catalog}"
            for catalog in (
                "pg_am",
                "pg_amop",
                "pg_amproc",
                "pg_cast",
                "pg_collation",
                "pg_conversion",
                "pg_foreign_data_wrapper",
                "pg_foreign_server",
                "pg_language",
                "pg_opclass",
                "pg_operator",
                "pg_opfamily",
                "pg_publication_rel",
                "pg_transform",
                "pg_ts_config",
                "pg_ts_dict",
                "pg_ts_parser",
                "pg_ts_template",
            )
        ),
        f"SELECT s.tableoid, s.oid, 0, s.xmin FROM pg_catalog.pg_statistic_ext s {_OF_CLASS.format('s.stxrelid')}",
        *(
            f"SELECT d.classoid, d.objoid, d.objsubid, d.xmin FROM pg_catalog.{catalog} d"
            " WHERE d.classoid <> 'pg_catalog.pg_class'::regclass OR EXISTS (SELECT FROM pg_catalog.pg_class c"
            f" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = d.objoid AND {_LASTING})"
            for catalog in ("pg_description", "pg_seclabel")
        ),
    ]
)

CATALOG_MARK = f"""
SELECT COALESCE(sum(pg_catalog.hashtextextended(m.mark, 0)), 0)::text FROM (
SELECT pg_catalog.concat_ws(' ', 'class', c.oid, CASE WHEN c.oid = ANY (%(volatile)s::oid[])
         THEN (pg_catalog.to_jsonb(c) - ARRAY['relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen',
                                              'relfrozenxid', 'relminmxid'])::text
         WHEN c.relkind NOT IN ('i', 'I') THEN c.xmin::text END) AS mark
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {_LASTING}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'attribute', a.attrelid, a.attnum, a.xmin)
  FROM pg_catalog.pg_attribute a {_OF_CLASS.format("a.attrelid")} AND c.relkind NOT IN ('i', 'I')
UNION ALL SELECT pg_catalog.concat_ws(' ', 'default', d.oid, d.xmin)
  FROM pg_catalog.pg_attrdef d {_OF_CLASS.format("d.adrelid")}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'rule', r.oid, r.xmin)
  FROM pg_catalog.pg_rewrite r {_OF_CLASS.format("r.ev_class")}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'trigger', t.oid, t.xmin)
  FROM pg_catalog.pg_trigger t {_OF_CLASS.format("t.tgrelid")}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'policy', p.oid, p.xmin)
  FROM pg_catalog.pg_policy p {_OF_CLASS.format("p.polrelid")}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'constraint', k.oid, k.xmin)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace WHERE {_LASTING}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'function', p.oid, p.xmin)
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {_LASTING}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'type', t.oid, t.xmin)
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE {_LASTING}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'schema', n.oid, n.xmin) FROM pg_catalog.pg_namespace n WHERE {_LASTING}
UNION ALL SELECT pg_catalog.concat_ws(' ', 'enum', e.oid, e.xmin) FROM pg_catalog.pg_enum e
UNION ALL SELECT pg_catalog.concat_ws(' ', 'extension', e.oid, e.xmin) FROM pg_catalog.pg_extension e
UNION ALL SELECT pg_catalog.concat_ws(' ', 'event trigger', e.oid, e.xmin) FROM pg_catalog.pg_event_trigger e
UNION ALL SELECT pg_catalog.concat_ws(' ', 'publication', p.oid, p.xmin) FROM pg_catalog.pg_publication p
UNION ALL SELECT pg_catalog.concat_ws(' ', 'default privilege', d.oid, d.xmin) FROM pg_catalog.pg_default_acl d
UNION ALL SELECT pg_catalog.concat_ws(' ', 'object', o.classoid, o.objoid, o.objsubid, o.xmin) FROM ({_DESCRIBED}) AS o
UNION ALL SELECT pg_catalog.concat_ws(' ', 'mapping', m.mapcfg, m.maptokentype, m.mapseqno, m.mapdict)
  FROM pg_catalog.pg_ts_config_map m
) AS m
"""

FILENODE_MARK = """
SELECT COALESCE(sum(pg_catalog.hashtextextended(
           pg_catalog.concat_ws(' ', c.oid, pg_catalog.pg_relation_filenode(c.oid)), 0)), 0)::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid <> ALL (%(volatile)s::oid[])
   AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
"""

OLDEST_XID = "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::xid::text"

# The newest of what transactions since that one have made or altered; what they dropped is gone.
CHANGED_SINCE = f"""
SELECT o.kind, o.name FROM (
SELECT 'relation' AS kind, n.nspname || '.' || c.relname AS name, m.xmin
  FROM (SELECT oid AS relation, xmin FROM pg_catalog.pg_class
        UNION ALL SELECT attrelid, xmin FROM pg_catalog.pg_attribute
        UNION ALL SELECT adrelid, xmin FROM pg_catalog.pg_attrdef
        UNION ALL SELECT ev_class, xmin FROM pg_catalog.pg_rewrite
        UNION ALL SELECT tgrelid, xmin FROM pg_catalog.pg_trigger
        UNION ALL SELECT polrelid, xmin FROM pg_catalog.pg_policy
        UNION ALL SELECT conrelid, xmin FROM pg_catalog.pg_constraint) AS m
  {_OF_CLASS.format("m.relation")}
UNION ALL SELECT 'function', n.nspname || '.' || p.proname, p.xmin
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {_LASTING}
UNION ALL SELECT 'type', n.nspname || '.' || t.typname, m.xmin
  FROM (SELECT oid AS type, xmin FROM pg_catalog.pg_type WHERE typtype IN ('d', 'e', 'r')
        UNION ALL SELECT enumtypid, xmin FROM pg_catalog.pg_enum
        UNION ALL SELECT contypid, xmin FROM pg_catalog.pg_constraint) AS m
  JOIN pg_catalog.pg_type t ON t.oid = m.type
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE {_LASTING}
UNION ALL SELECT 'schema', n.nspname, n.xmin FROM pg_catalog.pg_namespace n WHERE {_LASTING}
UNION ALL SELECT 'extension', e.extname, e.xmin FROM pg_catalog.pg_extension e
UNION ALL SELECT 'event trigger', e.evtname, e.xmin FROM pg_catalog.pg_event_trigger e
UNION ALL SELECT 'publication', p.pubname, p.xmin FROM pg_catalog.pg_publication p
UNION ALL SELECT 'default privileges of', pg_catalog.pg_get_userbyid(d.defaclrole), d.xmin
  FROM pg_catalog.pg_default_acl d
UNION ALL SELECT '', pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid), d.xmin FROM ({_DESCRIBED}) AS d
) AS o WHERE pg_catalog.age(o.xmin) <= pg_catalog.age(%s::text::xid)
 GROUP BY 1, 2 ORDER BY min(pg_catalog.age(o.xmin)), 1, 2 LIMIT 5
"""

# Who has waited longer than so many seconds for a lock behind sessions of that application name. What other roles'
# sessions wait for is a secret of pg_stat_activity, but not of pg_locks.
WAITING_FOR = """
SELECT a.pid, a.usename, a.application_name, pg_catalog.left(pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), 80)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = pg_catalog.current_database()
   AND EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted
                  AND pg_catalog.now() - l.waitstart > pg_catalog.make_interval(secs => %s))
   AND EXISTS (SELECT FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b (pid)
                 JOIN pg_catalog.pg_stat_activity o ON o.pid = b.pid WHERE o.application_name = %s)
"""

# Volatile tables with their partitions, and the sequences that TRUNCATE … RESTART IDENTITY sets back.
VOLATILE = """
WITH named AS (SELECT pg_catalog.format('%%I.%%I', u.schema, u.name)::regclass::oid AS oid
                 FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS u (schema, name)),
tables AS (SELECT oid FROM named
            UNION SELECT t.relid::oid FROM named CROSS JOIN LATERAL pg_catalog.pg_partition_tree(named.oid) AS t)
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid IN (SELECT oid FROM tables)
    OR c.relkind = 'S' AND EXISTS (
       SELECT FROM pg_catalog.pg_depend d JOIN tables ON tables.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
          AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i'))
 ORDER BY 2, 3
"""

FILES = """
SELECT oid::bigint, oid::regclass::text, pg_catalog.pg_relation_filenode(oid)::bigint
  FROM pg_catalog.unnest(%s::oid[]) AS oid
"""

# What TRUNCATE of a volatile table locks too, or what locks a volatile table together with itself: the other tables of
# a foreign key that points at one, and of inheritance.
TIED_TO_VOLATILE = """
SELECT DISTINCT n.nspname || '.' || o.relname, m.nspname || '.' || v.relname
  FROM (SELECT conrelid AS other, confrelid AS volatile FROM pg_catalog.pg_constraint WHERE contype = 'f'
         UNION ALL SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits
         UNION ALL SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits) AS tie
  JOIN pg_catalog.pg_class o ON o.oid = tie.other AND o.relkind IN ('r', 'p', 'f')
  JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
  JOIN pg_catalog.pg_class v ON v.oid = tie.volatile JOIN pg_catalog.pg_namespace m ON m.oid = v.relnamespace
 WHERE tie.volatile = ANY (%(volatile)s::oid[]) AND tie.other <> ALL (%(volatile)s::oid[])
 ORDER BY 1, 2
"""

# Room for locks in shared memory: https://www.postgresql.org/docs/current/runtime-config-locks.html
# Tables that pg_dump locks before it reads anything, and has not locked yet, or fewer of several pg_dumps than do;
# those of extensions it leaves alone.
NOT_LOCKED_BY_DUMP = """
WITH dump AS (SELECT pid FROM pg_catalog.pg_stat_activity
               WHERE datname = pg_catalog.current_database() AND application_name = %s AND pid <> %s)
SELECT NOT EXISTS (SELECT FROM dump)
       OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
   AND c.oid NOT IN (SELECT l.relation FROM pg_catalog.pg_locks l JOIN dump USING (pid)
                      WHERE l.locktype = 'relation' AND l.granted
                      GROUP BY l.relation HAVING count(DISTINCT l.pid) >= %s))
"""

LOCK_CAPACITY = """
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
       * (pg_catalog.current_setting('max_connections')::bigint
          + pg_catalog.current_setting('max_prepared_transactions')::bigint)
"""

# Sessions of this collection, by application_name, that a killed client may have left behind.
TERMINATE_OURS = """
SELECT count(pg_catalog.pg_terminate_backend(pid, 5000)) FROM pg_catalog.pg_stat_activity
 WHERE datname = %s AND application_name = %s AND pid <> pg_catalog.pg_backend_pid()
"""

ADVISORY = "SELECT pg_catalog.pg_try_advisory_lock(1885823846, 1)"

ADVISORY_HOLDER = """
SELECT a.pid, a.usename, a.application_name, COALESCE(a.client_addr::text, 'this host'),
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.classid = 1885823846 AND l.objid = 1 AND l.granted
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""

# What a dump by a role that is no superuser leaves out without a word.
SILENTLY_LOST = """
SELECT 'user mapping of ' || COALESCE(u.usename, 'public') || ' for the server ' || u.srvname
  FROM pg_catalog.pg_user_mappings u
 WHERE u.umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
 UNION ALL
SELECT 'subscription ' || s.subname FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
 WHERE d.datname = pg_catalog.current_database()
   AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
"""

# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight's facts: gathered once, by reading alone; only who gets in is tried, where that is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import names
from ..compare import cluster, fingerprint
from ..compare.catalog.beyond import BEYOND, LANGUAGES, NOT_DUMPED, REMOVED_FUNCTIONS
from ..copies import losses
from ..errors import BadRequest, FileFailed, LockNotAvailable, PgsafeError
from ..fence import log_evidence
from ..fence import run as fence
from ..journal.journal import RUNS, all_runs
from ..model import COPIED, FOLLOWED, RECORD_SCHEMA, StoreAddress, Target
from ..ports import age, safe_paths
from ..ports.database import Session, session
from ..ports.object_store import Store
from ..postgres import (
    changed_blocks,
    client_tools,
    filesystems,
    identity,
    logical,
    owner_code,
    pg_tools,
    poolers,
    properties,
    queries,
    tool_histories,
)
from ..text import size
from ..verify import instance, proof_choice
from . import (
    access_probe,
    backup_forecast,
    fence_choice,
    following,
    job_container,
    predictions,
    sampling,
    server_facts,
)
from .backup_forecast import Asked, Forecast
from .checks.check import (
    ClosedCopy,
    ClusterFacts,
    ContentFacts,
    ControllerPlace,
    CopyEncryption,
    CopyPlace,
    CopyStore,
    Directory,
    Facts,
    FenceFacts,
    LockWait,
    Obstacle,
    PlaceFacts,
    ProofFacts,
    ServerFacts,
    SizeFacts,
    Thresholds,
    ToolFacts,
    Unseen,
    Wanted,
)

NO_PROOF, AUTO = "none", "auto"

# The size of an exclusively locked table can be read only when the lock is released.
_PATIENCE = {"lock_timeout": "2s"}

# Sessions whose settings would pass to another client read nothing.
_SHARED = ("any table, through a pooler in transaction mode",)

# As queries.SESSIONS says it of what this role may not know.
UNKNOWN = "state unknown"


@dataclass(frozen=True)
class Plan:
    """What the run that comes is to do, as far as checks depend on it.

    :param proof: where a backup is proven, or ``auto``; ``none`` when it is not restored.
    :param fence: a kind of fence, or ``auto``.
    :param instance_directory: where a temporary instance for the proof would be; None for beside the backup.
    :param stated_free_bytes: what a person says is free for a copy, where it cannot be seen.
    :param expected_tables: labels of tables without which it is the wrong database.
    :param copy_to: the directories that the backup will be copied to, and whether each is required.
    :param copy_stores: the object stores likewise.
    :param copy_encryption: whether each place whose copies are encrypted is required, and their recipients.
    :param controller_places: what the controller has found of the places there.
    :param probe: whether an empty database is made, to see who gets in.
    :param keep_copy_seconds: how long the verified copy is to stay after a good verdict.
    """

    target: Target
    backup_root: Path
    asked: Asked
    thresholds: Thresholds
    proof: str
    instance_directory: Path | None
    fence: str
    stated_free_bytes: int | None
    expected_tables: Sequence[str]
    copy_to: Mapping[Path, bool]
    copy_stores: Mapping[StoreAddress, bool]
    copy_encryption: Mapping[str, tuple[bool, tuple[str, ...]]]
    controller_places: Sequence[ControllerPlace]
    probe: bool
    keep_copy_seconds: float


_EXTENSIONS = "SELECT extname, extversion FROM pg_extension ORDER BY 1"

_EVENT_TRIGGERS = """
SELECT t.evtname, t.evtevent FROM pg_event_trigger t
 WHERE NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.deptype = 'e' AND d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid)
 ORDER BY 1
"""

_PUBLICATIONS = "SELECT pubname, puballtables FROM pg_publication ORDER BY 1"

# By the catalogs alone: the name of the tool, and its table.
_OWN_HISTORY = f"SELECT pg_catalog.to_regclass('{RECORD_SCHEMA}.applied_file') IS NOT NULL"

_FOREIGN_SERVERS = "SELECT srvname FROM pg_foreign_server ORDER BY 1"

# What is left of a role that was taken out of the catalogs by force.
_GONE_ROLES = """
SELECT DISTINCT pg_get_userbyid(s.refobjid)::text FROM pg_shdepend s
 WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN ('o', 'a', 'r')
   AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = s.refobjid)
"""

_OWNERS = """
SELECT DISTINCT pg_catalog.pg_get_userbyid(s.refobjid)::pg_catalog.text FROM pg_catalog.pg_shdepend s
 WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'o'
   AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""

# Tables without one are in that of the database; what all databases share is in pg_global.
_IN_ONE_TABLESPACE = """
SELECT count(*) = 1 FROM (
SELECT dattablespace FROM pg_database WHERE datname = current_database()
 UNION
SELECT c.reltablespace FROM pg_class c
 WHERE c.reltablespace NOT IN (0, (SELECT oid FROM pg_tablespace WHERE spcname = 'pg_global'))) AS t
"""

_RELATIONS = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i', 'S', 't', 'm')"

# row_security_active() knows owners, BYPASSRLS and FORCE ROW LEVEL SECURITY.
_HIDDEN_ROWS = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) ORDER BY 1
"""

# pg_dump reads sequences too; in a schema that one may not use, one may read nothing.
_UNREADABLE = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid)
   AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'))
 ORDER BY 1
"""

_LOCK_WAITS = """
SELECT a.pid, COALESCE(a.usename, ''), COALESCE(l.relation::regclass::text, ''),
       COALESCE(EXTRACT(epoch FROM clock_timestamp() - l.waitstart), 0)::bigint, pg_blocking_pids(a.pid)
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE NOT l.granted AND a.datname = %s ORDER BY 4 DESC, 1
"""

_SETTINGS = """
SELECT current_setting('track_counts')::boolean, COALESCE(current_setting('old_snapshot_threshold', true), '-1')
"""

# Of this database and of what all share; NULL without checksums.
_CHECKSUM_FAILURES = "SELECT sum(checksum_failures)::bigint FROM pg_stat_database WHERE datname = %s OR datid = 0"

# https://www.postgresql.org/docs/current/catalog-pg-database.html
_INVALID = "SELECT datname FROM pg_database WHERE datconnlimit = -2 ORDER BY 1"

_LEFT_PROBES = "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = %s ORDER BY 1"

# Roles that no ordinary server has.
_SERVICES = {
    "rds_superuser": "Amazon RDS or Aurora",
    "cloudsqlsuperuser": "Google Cloud SQL",
    "alloydbsuperuser": "Google AlloyDB",
    "azure_pg_admin": "Azure Database for PostgreSQL",
}


def gather(plan: Plan, access_problems: Sequence[str] = ()) -> Facts:
    """
    :param access_problems: what is known already of who does not get in where.
    :raises ConnectionFailed: the database cannot be reached.
    """
    with session(plan.target, _PATIENCE, "preflight") as reader:
        common, pooler = _common(plan, reader), poolers.mode(reader)
        parts, locked = _parts(reader)
        forecast = _forecast(plan, reader, parts, locked if pooler != poolers.TRANSACTION else _SHARED)
        tools, fitting = _tools(plan, common.server_version // 10000)
        able = not common.standby and (common.role.createdb or common.role.superuser)
        tried = plan.probe and able and pooler != poolers.TRANSACTION
        fenced = _fence(plan, reader, common, forecast)
        found = Facts(
            **vars(common),
            **vars(fenced),
            **vars(_sizes(reader, parts, forecast)),
            **vars(_contents(plan, reader, fenced.fence)),
            **vars(_cluster(plan, reader)),
            **vars(_places(plan)),
            **vars(_proof(plan, common, fenced.fence)),
            **vars(fitting),
            pooler=pooler,
            thresholds=plan.thresholds,
            keep_copy_seconds=plan.keep_copy_seconds,
            session_role=server_facts.session_role(reader, plan.target.session_role),
            access_problems=(*access_problems, *(access_probe.problems(plan.target, tools) if tried else ())),
        )
        if pooler == poolers.TRANSACTION:
            poolers.forget_settings(reader)
    return replace(found, not_seen=(*found.not_seen, *_unseen(found, forecast, tried)))


def _fence(plan: Plan, reader: Session, common: ServerFacts, forecast: Forecast) -> FenceFacts:
    """The kind of fence, why, what it meets, and what is predicted for it and the others."""
    closed_copy = fence_choice.look(
        common, int(reader.value(_RELATIONS)), in_one_place=bool(reader.value(_IN_ONE_TABLESPACE))
    )
    followed = _followed(plan, reader, common)
    foreseen = predictions.of_fences(_known(plan, reader, common, forecast, closed_copy, followed))
    chosen = fence_choice.choose(plan.fence, foreseen, plan.thresholds.max_unavailable)
    return FenceFacts(
        fence=chosen.kind,
        fence_reason=chosen.reason,
        closed_copy=closed_copy,
        followed_copy=(followed or ()) if chosen.kind == FOLLOWED else (),
        predictions=foreseen,
    )


def _followed(plan: Plan, reader: Session, common: ServerFacts) -> tuple[Obstacle, ...] | None:
    """None where no copy will follow the database: whether one could is tried by a connection of the server's own."""
    wanted = plan.fence == FOLLOWED or (plan.fence == fence_choice.AUTO and plan.thresholds.max_unavailable)
    return following.look(reader, common, plan.asked.jobs, plan.thresholds.copy_timeout) if wanted else None


def _known(
    plan: Plan,
    reader: Session,
    common: ServerFacts,
    forecast: Forecast,
    closed_copy: ClosedCopy,
    followed: tuple[Obstacle, ...] | None,
) -> predictions.Known:
    held = common.wanted.bytes
    where = _place_of_proof(plan, common, kept=True).proof
    return predictions.Known(
        bytes=held,
        seconds=forecast.seconds,
        basis=forecast.told,
        closed_copy=closed_copy,
        proof=plan.proof,
        beside=where == proof_choice.VERIFIED_COPY,
        obstacles=followed,
        whole=held < log_evidence.SMALLEST_BYTES or bool(changed_blocks.missing(reader, logical.SLOTS)),
        jobs=plan.asked.jobs,
        thresholds=plan.thresholds,
    )


def _common(plan: Plan, reader: Session) -> ServerFacts:
    held = properties.read(reader, plan.target.dbname)
    needs = cluster.needs(reader)
    roles = server_facts.roles_of([*needs["role"], *_names(reader, _GONE_ROLES)], held)
    triggers = reader.rows(_EVENT_TRIGGERS)
    wanted = Wanted(
        of=f"the database {plan.target.dbname}",
        bytes=int(reader.value(queries.DATABASE_SIZE, (plan.target.dbname,))),
        extensions=dict(reader.rows(_EXTENSIONS)),
        roles=roles,
        tablespaces=needs["tablespace"],
        event_triggers=tuple(name for name, _event in triggers),
        login_triggers=tuple(name for name, event in triggers if event == "login"),
        publications=tuple(name for name, of_all in reader.rows(_PUBLICATIONS) if of_all),
        foreign_servers=_names(reader, _FOREIGN_SERVERS),
        owners=tuple(sorted({held.owner, *_names(reader, _OWNERS)})),
    )
    return server_facts.gather(
        reader, plan.target.dbname, wanted, tablespace=held.tablespace, stated_free_bytes=plan.stated_free_bytes
    )


def _names(reader: Session, query: str, parameters: Sequence[Any] | None = None) -> tuple[str, ...]:
    return tuple(name for (name, *_rest) in reader.rows(query, parameters))


def _pairs(reader: Session, query: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, other) for name, other in reader.rows(query))


def _parts(reader: Session) -> tuple[list[sampling.Part], tuple[str, ...]]:
    """The tables with their sizes; only the names of those in the way, when one is locked."""
    try:
        return sampling.parts(reader), ()
    except LockNotAvailable:
        holders = {table for table, *_rest in reader.rows(queries.LOCK_HOLDERS)}
        return [], tuple(sorted(holders)) or ("a table that was locked a moment ago",)


def _forecast(plan: Plan, reader: Session, parts: Sequence[sampling.Part], locked: tuple[str, ...]) -> Forecast:
    """By the last backup; where that does not tell, by a sample, in a session of its own."""
    database_bytes = int(reader.value(queries.DATABASE_SIZE, (plan.target.dbname,)))
    labels = [table.label for table in fingerprint.tables(reader)]
    weak = _weakness(plan.backup_root)
    before = None if weak else backup_forecast.last(plan.backup_root, identity.read(reader))
    known = backup_forecast.by_last(before, database_bytes, labels, plan.asked) if before else None
    if known:
        return known
    unread = locked or tuple(sorted({code.function for code in owner_code.planned(reader)}))
    if unread:
        return backup_forecast.by_sample(sampling.unread(database_bytes, unread), 0, plan.asked)
    large_objects, any_there = reader.row(queries.LARGE_OBJECT_BYTES)
    with session(plan.target, purpose="sample") as other:
        sample = sampling.take(other, parts)
    return backup_forecast.by_sample(sample, int(large_objects) if any_there else 0, plan.asked)


def _sizes(reader: Session, parts: Sequence[sampling.Part], forecast: Forecast) -> SizeFacts:
    return SizeFacts(
        database_bytes=int(reader.value(queries.DATABASE_SIZE, (reader.target.dbname,))),
        tables=len(fingerprint.tables(reader)),
        lockable_tables=len(reader.rows(queries.LOCKABLE)),
        relations=int(reader.value(_RELATIONS)),
        largest_tables=backup_forecast.largest(parts),
        backup_size=forecast.size,
    )


def _contents(plan: Plan, reader: Session, kind: str) -> ContentFacts:
    there = {table.label for table in fingerprint.tables(reader)}
    expected = {label if "." in label else f"public.{label}" for label in plan.expected_tables}
    lost = losses.read(reader)
    hidden = reader.rows(queries.HIDDEN_LARGE_OBJECTS.format(pieces=1, piece=0))
    return ContentFacts(
        missing_tables=tuple(sorted(expected - there)),
        publications=_names(reader, _PUBLICATIONS),
        other_histories=() if reader.value(_OWN_HISTORY) else tool_histories.of_files(reader),
        unreadable=_names(reader, _UNREADABLE) + ((f"{len(hidden)} large objects",) if hidden else ()),
        hidden_rows=_names(reader, _HIDDEN_ROWS),
        left_out=_names(reader, queries.SILENTLY_LOST),
        not_dumped=tuple(
            name for kind in NOT_DUMPED for name in sorted(_names(reader, BEYOND[kind].query(reader.version)))
        ),
        bare_languages=_pairs(reader, LANGUAGES),
        removed_functions=_pairs(reader, REMOVED_FUNCTIONS),
        owner_code=owner_code.found(reader),
        reordered_tables=lost.pop(losses.REORDERED, ()),
        not_given_back=losses.lines(lost),
        roles_that_write=(
            _names(reader, queries.ROLES_THAT_WRITE, (plan.target.dbname,))
            if kind in (*fence.READ_ONLY, FOLLOWED)
            else ()
        ),
    )


def _cluster(plan: Plan, reader: Session) -> ClusterFacts:
    track_counts, threshold = reader.row(_SETTINGS)
    database = plan.target.dbname
    services = reader.rows(queries.ROLES, (list(_SERVICES),))
    return ClusterFacts(
        lock_capacity=int(reader.value(queries.LOCK_CAPACITY)),
        lock_waits=tuple(
            LockWait(pid, user, table, int(seconds), tuple(holders))
            for pid, user, table, seconds, holders in reader.rows(_LOCK_WAITS, (database,))
        ),
        invalid_databases=_names(reader, _INVALID),
        left_probes=_names(reader, _LEFT_PROBES, (access_probe.MARK,)),
        checksum_failures=reader.value(_CHECKSUM_FAILURES, (database,)),
        track_counts=bool(track_counts),
        old_snapshot_threshold=threshold,
        managed_by=_SERVICES[services[0][0]] if services else "",
        job_container=job_container.first_process(reader),
    )


def _places(plan: Plan) -> PlaceFacts:
    return PlaceFacts(
        backup_root=_directory(plan.backup_root),
        backup_filesystem=filesystems.of(plan.backup_root),
        copy_places=tuple(
            CopyPlace(_directory(path), filesystems.of(path), required) for path, required in plan.copy_to.items()
        ),
        copy_stores=tuple(_store(address, required) for address, required in plan.copy_stores.items()),
        controller_places=tuple(plan.controller_places),
        copy_encryption=tuple(_encryption(place, *wanted) for place, wanted in plan.copy_encryption.items()),
        unfinished_runs=_unfinished(plan.backup_root, plan.target.dbname, alive=False),
        runs_at_work=_unfinished(plan.backup_root, plan.target.dbname, alive=True),
    )


def _store(address: StoreAddress, required: bool) -> CopyStore:
    try:
        Store(address).probe()
    except FileFailed as error:
        return CopyStore(address.url, required, error.what, error.remedy)
    return CopyStore(address.url, required, "", "")


def _encryption(place: str, required: bool, recipients: tuple[str, ...]) -> CopyEncryption:
    try:
        age.require_recipients(recipients)
    except (BadRequest, FileFailed) as error:
        return CopyEncryption(place, required, error.what, error.remedy)
    return CopyEncryption(place, required, "", "")


def _directory(path: Path) -> Directory:
    if not path.is_dir():
        return Directory(str(path), exists=False, writable=False, mode=0, owner=-1, link=path.is_symlink())
    facts = path.stat()
    writable = os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
    weak = _weakness(path) or safe_paths.Weakness("", "")
    mode, owner = stat.S_IMODE(facts.st_mode), facts.st_uid
    return Directory(str(path), True, writable, mode, owner, path.is_symlink(), weak.what, weak.remedy)


def _weakness(backup_root: Path) -> safe_paths.Weakness | None:
    """Of the root, or of what runs have made in it, whose words are not taken then."""
    return safe_paths.weakness(backup_root) or safe_paths.weakness(backup_root / RUNS)


def _unfinished(backup_root: Path, database: str, alive: bool) -> tuple[str, ...]:
    if not os.access(backup_root, os.R_OK) or _weakness(backup_root):
        return ()
    parent = backup_root / names.directory_name(database)
    found = [Path(run.backup_dir) for run in all_runs(backup_root) if run.state.unfinished and run.alive == alive]
    return tuple(str(directory) for directory in found if directory.parent == parent)


def _proof(plan: Plan, common: ServerFacts, kind: str) -> ProofFacts:
    """Where it will be, and on which disk a temporary instance for it would be."""
    choice = _place_of_proof(plan, common, kept=kind != COPIED)
    apart = choice.proof == proof_choice.TEMPORARY_INSTANCE
    place = filesystems.of(instance.place(plan.instance_directory, plan.backup_root)) if apart else None
    return ProofFacts(choice.proof, choice.reason, place)


def _place_of_proof(plan: Plan, common: ServerFacts, *, kept: bool) -> proof_choice.Choice:
    if plan.proof != AUTO:
        return proof_choice.Choice(plan.proof, fence_choice.AS_ASKED)
    return proof_choice.choose(common.data_filesystem, common.wal, common.wanted.bytes, kept=kept)


def _tools(plan: Plan, major: int) -> tuple[pg_tools.Tools | None, ToolFacts]:
    version = ""
    try:
        tools = client_tools.find(plan.target, major)
        version = tools.version
        client_tools.require_restricting(tools)
        client_tools.require_compression(tools, plan.asked.compress_method)
    except PgsafeError as error:
        return None, ToolFacts(version, f"{error.what} {error.remedy}".strip())
    return tools, ToolFacts(version, "")


def _unseen(facts: Facts, forecast: Forecast, tried: bool) -> Iterator[Unseen]:
    if forecast.unread:
        yield Unseen(
            "backup_disk",
            "warning",
            f"Could not sample {', '.join(forecast.unread[:5])}: the size of a backup may differ from the estimate.",
            "Raise disk_factor, or let the role read them.",
        )
    hidden = [session for session in facts.sessions if session.state == UNKNOWN]
    if hidden:
        yield Unseen(
            "long_transactions",
            "warning",
            f"The role {facts.role.name} cannot see how long {len(hidden)} sessions have been in a transaction.",
            f"GRANT pg_read_all_stats TO {names.quoted(facts.role.name)}",
        )
    if facts.wal.filesystem.free_bytes is None:
        yield Unseen(
            "wal_disk",
            "warning",
            f"The disk of pg_wal cannot be seen from here; a restored copy writes about {size(facts.wal_bytes)} to it.",
            "Look on the server: df -h \"$(psql -XAtc 'SHOW data_directory')/pg_wal\"",
        )
    if not tried:
        yield Unseen(
            "scratch_access",
            "info",
            "Not tried: who can connect to the databases that a run creates.",
            "Run without --check, as a role that may create databases; pg_preflight_facts alone needs probe: true.",
        )

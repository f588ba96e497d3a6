# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Option groups shared by the modules, and the typed requests made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from . import bytecode, durations
from .errors import BadRequest
from .model import LEVELS, STORE_SCHEME, StoreAddress, Supervision, Target

# Modules import this file first, so that it holds for most of what they import.
bytecode.keep()

Specification = Mapping[str, Mapping[str, Any]]

# The option by which an action plugin says which module the one is that all guarded ones share.
ACTS_AS = "acts_as"

CONNECTION: dict[str, dict[str, Any]] = {
    "login_db": {"type": "str", "aliases": ["db"]},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_host": {"type": "str", "aliases": ["host"]},
    "login_unix_socket": {"type": "path", "aliases": ["unix_socket"]},
    "login_port": {"type": "int", "aliases": ["port"]},
    "login_url": {"type": "str", "no_log": True},
    "ssl_mode": {
        "type": "str",
        "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
    "ssl_cert": {"type": "path"},
    "ssl_key": {"type": "path"},
    "connect_params": {"type": "dict", "default": {}},
    "session_role": {"type": "str"},
    "maintenance_db": {"type": "str", "default": "postgres"},
    "bin_dir": {"type": "path"},
    "trust_owner": {"type": "bool", "default": False},
}

BACKUP_ROOT: dict[str, dict[str, Any]] = {"backup_root": {"type": "path", "required": True}}
BACKUP_DIR: dict[str, dict[str, Any]] = {"backup_dir": {"type": "path", "required": True}}
LEVEL: dict[str, dict[str, Any]] = {"level": {"type": "str", "choices": list(LEVELS), "default": "restore"}}
_STORE_OPTIONS: dict[str, dict[str, Any]] = {
    "endpoint_url": {"type": "str"},
    "region": {"type": "str"},
    "ca_file": {"type": "path"},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
}
_STORE_CREDENTIALS = {
    "required_together": [["access_key", "secret_key"]],
    "required_by": {"session_token": ["access_key"]},
}
STORE: dict[str, dict[str, Any]] = {
    "store": {
        "type": "dict",
        "options": {"url": {"type": "str", "required": True}, **_STORE_OPTIONS},
        **_STORE_CREDENTIALS,
    },
}
COPY_TO: dict[str, dict[str, Any]] = {
    "copy_to": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "path"},
            "url": {"type": "str"},
            "controller": {"type": "path"},
            **_STORE_OPTIONS,
            "age_recipients": {"type": "list", "elements": "str", "default": []},
            "required": {"type": "bool", "default": True},
        },
        "mutually_exclusive": [["path", "url", "controller"]],
        "required_one_of": [["path", "url", "controller"]],
        **_STORE_CREDENTIALS,
    },
}
GUARD: dict[str, dict[str, Any]] = {
    "lease": {"type": "float", "default": 30.0},
    "poll_interval": {"type": "float", "default": 1.0},
    "progress": {"type": "bool", "default": True},
}
GRACE: dict[str, dict[str, Any]] = {"grace": {"type": "float", "default": 30.0}}
JOBS: dict[str, dict[str, Any]] = {"jobs": {"type": "int", "default": 2}}

VERIFICATION: dict[str, dict[str, Any]] = {
    "expectations": {"type": "dict", "default": {}},
    "assertions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "sql": {"type": "str"},
            "expected": {"type": "raw"},
            "rows_that_must_not_exist": {"type": "str"},
            "time_limit": {"type": "int", "default": 60},
        },
    },
    "declared": {"type": "list", "elements": "str", "default": []},
    "may_do_nothing": {"type": "bool", "default": False},
}

COPY: dict[str, dict[str, Any]] = {
    "keep_copy_for": {"type": "str", "default": "0"},
    "copy_timeout": {"type": "float", "default": 60},
}

WINDOW: dict[str, dict[str, Any]] = {
    **LEVEL,
    **JOBS,
    "backup_dir": {"type": "path", "default": ""},
    "run_id": {"type": "str", "default": ""},
    "confirmed_database": {"type": "str", "default": ""},
    "confirmed_by": {"type": "str", "default": "variable"},
    "on_verify_failure": {"type": "str", "choices": ["rollback", "hold"], "default": "rollback"},
    "sequences": {"type": "str", "choices": ["backup", "max"], "default": "backup"},
    **COPY,
}

PROMOTION: dict[str, dict[str, Any]] = {
    "promotion": {
        "type": "dict",
        "options": {
            "dir": {"type": "path"},
            "environment": {"type": "str"},
            "required_environments": {"type": "list", "elements": "str", "default": []},
            "max_age": {"type": "str"},
            "soak": {"type": "str", "default": "0"},
            "override": {"type": "str"},
        },
    },
}

# The set that is judged; what the action plugin has read of it is not read again.
MIGRATION_SET: dict[str, dict[str, Any]] = {
    "source": {"type": "path"},
    "files": {"type": "list", "elements": "str", "default": []},
    "remote_src": {"type": "bool", "default": False},
    "command": {"type": "list", "elements": "str"},
    "command_tree": {"type": "path"},
    "chdir": {"type": "path"},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "digest": {"type": "str", "default": ""},
    "listing": {"type": "str", "default": ""},
    "set_name": {"type": "str", "default": "default"},
    "changed_files": {"type": "dict", "default": {}},
    "apply_again": {"type": "dict", "default": {}},
    "out_of_order": {"type": "bool", "default": False},
    "baseline": {"type": "str"},
    "database_url": {"type": "bool", "default": False},
    "pending_command": {"type": "list", "elements": "str", "default": []},
    "pending_text": {"type": "str"},
    "pending_preset": {"type": "bool", "default": True},
    "lock_timeout": {"type": "int", "default": 10},
    "statement_timeout": {"type": "int", "default": 0},
    "time_limit": {"type": "int"},
}

URL_EXCLUDES = ("login_user", "login_password", "login_host", "login_unix_socket", "login_port")

# libpq keyword by option; https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_KEYWORDS = {
    "login_user": "user",
    "login_password": "password",
    "login_host": "host",
    "login_unix_socket": "host",
    "login_port": "port",
    "ssl_mode": "sslmode",
    "ca_cert": "sslrootcert",
    "ssl_cert": "sslcert",
    "ssl_key": "sslkey",
}

_NOT_SHOWN = "VALUE_NOT_SHOWN"

_URL_FORM = "Write postgresql://user@host:port/database."


def defaults(spec: Specification) -> dict[str, Any]:
    """The options of a specification as a task leaves them that gives none."""
    return {name: option.get("default") for name, option in spec.items()}


def backup_root(params: Mapping[str, Any]) -> Path:
    """The backup root of a module's parameters.

    :raises BadRequest: it is empty or relative: which directory it is would depend on where the task runs.
    """
    found = Path(params["backup_root"])
    if not found.is_absolute():
        raise BadRequest(
            f"The backup root {params['backup_root']!r} is not an absolute path.",
            remedy="Check backup_root (pg_migrate_backup_root).",
        )
    return found


def store_address(given: Mapping[str, Any]) -> StoreAddress:
    """The typed address of the options of a store.

    :raises BadRequest: its URL names no bucket, or no way below it.
    """
    url = given["url"].rstrip("/")
    bucket, *segments = url[len(STORE_SCHEME) :].split("/")
    if not url.startswith(STORE_SCHEME) or not bucket or any(part in ("", ".", "..") for part in segments):
        raise BadRequest(f"{given['url']!r} is no URL of a store.", remedy="Write s3://bucket or s3://bucket/prefix.")
    return StoreAddress(url, *(given.get(option) or "" for option in _STORE_OPTIONS))


def connects(spec: Specification) -> bool:
    """Whether a module connects to a server."""
    return "login_url" in spec


def mutually_exclusive(spec: Specification) -> list[list[str]]:
    return [["login_url", option] for option in URL_EXCLUDES] if connects(spec) else []


def target(params: Mapping[str, Any], required: bool = True) -> Target:
    """The typed connection of a module's parameters.

    :raises BadRequest: no database is named, or the URL or connect_params cannot be used.
    """
    keywords = _keywords(params)
    dbname = params.get("login_db") or keywords.pop("dbname", "")
    keywords.pop("dbname", None)
    if required and not dbname:
        raise BadRequest("No database is named.", remedy="Give login_db, or login_url with a database.")
    maintenance_db = params.get("maintenance_db") or defaults(CONNECTION)["maintenance_db"]
    if dbname == maintenance_db:
        raise BadRequest(
            f"{dbname} is the maintenance database: statements about a database are run from another one.",
            remedy="Name another maintenance_db, such as template1.",
        )
    return Target(
        params=keywords,
        dbname=dbname,
        maintenance_db=maintenance_db,
        session_role=params.get("session_role") or None,
        bin_dir=params.get("bin_dir") or None,
        trust_owner=bool(params.get("trust_owner")),
    )


def supervision(params: Mapping[str, Any]) -> Supervision:
    """The options of :data:`GUARD` and :data:`GRACE`; not every module with a guard has the latter."""
    grace = params.get("grace", defaults(GRACE)["grace"])
    return Supervision(params["lease"], params["poll_interval"], params["progress"], grace)


def keep_copy_seconds(params: Mapping[str, Any]) -> float:
    """How long the verified copy stays after a good verdict.

    :raises BadRequest: it is no duration.
    """
    return durations.read("keep_copy_for (pg_migrate_keep_copy_for)", params["keep_copy_for"]).total_seconds()


def _keywords(params: Mapping[str, Any]) -> dict[str, str]:
    given = _url_keywords(params["login_url"]) if params.get("login_url") else {}
    for option, keyword in _KEYWORDS.items():
        if params.get(option) not in (None, ""):
            given[keyword] = str(params[option])
    extra = {str(name): str(value) for name, value in (params.get("connect_params") or {}).items()}
    if "password" in extra:
        raise BadRequest(
            "connect_params holds a password.", remedy="Give it as login_password, which is kept out of logs."
        )
    return {**given, **extra}


def _url_keywords(url: str) -> dict[str, str]:
    """libpq keywords of a URL; https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS"""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # The text of the error may hold a part of the password.
        raise BadRequest(
            "login_url is not a valid URL.", remedy="Write postgresql://user@host:port/database."
        ) from error
    if parts.scheme not in ("postgresql", "postgres"):
        raise BadRequest("login_url is not a PostgreSQL URL.", remedy=_URL_FORM)
    named = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(_host(parts.netloc)),
        "port": str(port or ""),
        "dbname": unquote(parts.path.lstrip("/")),
    }
    # To libpq a plus sign is itself.
    query = dict(parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True))
    return {keyword: value for keyword, value in {**named, **query}.items() if value}


def _host(netloc: str) -> str:
    """Not urlsplit's hostname, which is in lower case: the directory of a socket need not be."""
    address = netloc.rpartition("@")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]


def url_secrets(params: Mapping[str, Any]) -> set[str]:
    """The password as it is and as it is written in a URL, for a module's no_log_values.

    :raises BadRequest: the URL cannot be used.
    """
    in_url = _url_keywords(params["login_url"]).get("password") if params.get("login_url") else None
    password = in_url or params.get("login_password")
    return {password, quote(password, safe="")} if password else set()


def shown(spec: Specification, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as a result may show them: without secrets, and of secret variables the names alone."""
    hidden = {name: _hidden(params[name]) for name, option in spec.items() if option.get("no_log") and params.get(name)}
    return {**params, **hidden}


def _hidden(value: Any) -> Any:
    return dict.fromkeys(value, _NOT_SHOWN) if isinstance(value, dict) else _NOT_SHOWN


def variable_values(spec: Specification, params: Mapping[str, Any]) -> set[str]:
    """The values of options that are secret variables, such as the environment of a command."""
    options = [name for name, option in spec.items() if option.get("no_log") and option["type"] == "dict"]
    return {str(value) for name in options for value in params[name].values()}

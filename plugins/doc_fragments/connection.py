# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the connection options; the same names as in module_utils/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_db:
    description: The database.
    type: str
    aliases: [db]
  login_user:
    description: The role to connect as.
    type: str
  login_password:
    description: Its password. Leave it out for peer authentication or a password file.
    type: str
  login_host:
    description: The server's host. A local socket is used when neither this nor O(login_unix_socket) is given.
    type: str
    aliases: [host]
  login_unix_socket:
    description: The directory of the server's Unix socket.
    type: path
    aliases: [unix_socket]
  login_port:
    description: The server's port.
    type: int
    aliases: [port]
  login_url:
    description:
      - The connection as a URL, C(postgresql://user:password@host:port/database), instead of the other login options.
      - O(login_db) may name another database of that server.
    type: str
  ssl_mode:
    description: Whether and how the connection is encrypted.
    type: str
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: The file of the certificate authority that the server's certificate is checked with.
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description: The file of the client certificate.
    type: path
  ssl_key:
    description: The file of the client's private key.
    type: path
  connect_params:
    description:
      - Further libpq parameters, such as C(passfile) or C(service).
      - They are handed to the client tools as environment variables, so only those that have one can be used.
      - Settings in C(options) yield to the collection's own. Those of a connection service file are not used.
    type: dict
    default: {}
  session_role:
    description:
      - The role that the migration runs as (C(SET ROLE)), and so the owner of what it creates. The role that connects
        must be a member of it, or a superuser.
      - It applies to the SQL files and the command of a migration; everything else is done by the role that connects.
    type: str
  maintenance_db:
    description: Another database of the server, for statements about O(login_db) such as renames.
    type: str
    default: postgres
  bin_dir:
    description:
      - The directory of pg_dump, pg_restore, psql and pg_dumpall on the target.
      - When it is not given, the places of the distributions for the server's major and E(PATH) are looked through.
    type: path
  trust_owner:
    description:
      - Whether functions that other roles own may run with the rights of the connecting role.
      - CHECK constraints, domains, generated columns and partition keys call their functions as the current role, in
        the audit and in every restore. Nothing in PostgreSQL contains such a function, so its owner has the rights of
        the role that connects.
    type: bool
    default: false
requirements:
  - psycopg2 2.8.6 or later on the target
  - Python 3.9 or later on the target
"""

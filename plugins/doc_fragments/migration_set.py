# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say which migration set is meant."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  source:
    description:
      - A directory of SQL files, or one file, on the controller; relative to the inventory, then to the playbook.
      - The whole directory is shipped, so that files may include others of it.
    type: path
  files:
    description:
      - Names inside O(source) in the order in which they run.
      - When empty, all C(*.sql) of it by the version in front of their names as numbers, then the others by name. Names
        and marks of Flyway, dbmate and golang-migrate are read as these tools read them.
    type: list
    elements: str
    default: []
  remote_src:
    description: O(source) is on the target.
    type: bool
    default: false
  command:
    description: A command of the target instead of SQL files, as a list. It gets the connection by C(PG*) variables.
    type: list
    elements: str
  command_tree:
    description: The directory, on the target, that the command's digest is taken of, such as that of its revisions.
    type: path
  chdir:
    description: The directory to run O(command) in.
    type: path
  environment:
    description:
      - Further environment variables of O(command). Their names are part of the digest, their values are not.
      - Values are secret. They are neither shown nor logged, and those of eight characters or more are removed from the
        output of O(command).
    type: dict
    default: {}
  digest:
    description: The digest of O(source) on the controller. Set by the action plugin.
    type: str
    default: ""
  listing:
    description: The files of O(source) on the controller. Set by the action plugin.
    type: str
    default: ""
  set_name:
    description:
      - The application that the files are of. The history in the database tells two applications apart by it.
    type: str
    default: default
  changed_files:
    description:
      - By the name of a file that was changed after it was applied, the reason why that does not matter. The file is
        not applied again, and the history records the change with its reason.
    type: dict
    default: {}
  apply_again:
    description:
      - By the name of a file, the reason why it is run although it, or an earlier form of it, was applied before.
    type: dict
    default: {}
  out_of_order:
    description: Apply a pending file although a file that comes after it was applied before.
    type: bool
    default: false
  baseline:
    description:
      - The last of the files that the database has already, because something else applied them. These files are
        recorded as applied and are not run; what comes after them is applied.
      - Refused where the database has a history of this set.
    type: str
  database_url:
    description: Give O(command) the connection as E(DATABASE_URL) too.
    type: bool
    default: false
  pending_command:
    description:
      - The command that says whether anything is pending, before fence and backup. It runs in the directory, with the
        environment, the role and the limits of O(command), and in sessions that are read-only by default.
      - When it prints O(pending_text), something is pending. Status 0 without this text means that nothing is, and the
        run is V(unchanged). Everything else is an error, and refuses the run.
      - Its answer takes precedence over what this collection's history says of O(command).
    type: list
    elements: str
    default: []
  pending_text:
    description:
      - A regular expression for what O(pending_command) prints when something is pending; C(^) and C($) match at every
        line. It is looked for in both of its streams.
    type: str
  pending_preset:
    description:
      - Without O(pending_command), ask the tool by a command of its own where O(command) is C(alembic upgrade head)
        (Alembic 1.17.1 or later), C(manage.py migrate) or C(prisma migrate deploy).
      - When it is false the digest of O(command) decides, unless there is a O(pending_command).
    type: bool
    default: true
  lock_timeout:
    description: How many seconds a statement waits for a lock; 0 for ever.
    type: int
    default: 10
  statement_timeout:
    description: How many seconds a statement may take; 0 for ever.
    type: int
    default: 0
  time_limit:
    description: How many seconds one file or the command may take.
    type: int
"""

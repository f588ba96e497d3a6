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
"""

# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what may be declared of a migration."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  expectations:
    description:
      - What the migration does to the rows of tables, by C(schema.table); in the schema C(public) the name is enough.
      - >-
        V(same) keeps as many rows, V(grows) gets more, V(may_shrink) may lose any, C({may_shrink_to: 100}) may lose
        rows and keeps at least so many, V(dropped) is gone.
      - >-
        C({moved_to: public.people}) means that as many rows as the table had were added to the other one, whether the
        table itself is dropped, emptied or kept.
      - Without one, a table may grow; a table that loses rows, or is gone and not kept as C(<table>_old), fails the
        migration.
    type: dict
    default: {}
  assertions:
    description:
      - Queries of your own that must hold afterwards. One that does not, or that ends in an error, fails the migration.
      - Each is run in a read-only transaction that is rolled back, in a session of its own, with the search_path that
        the database and the role have.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What is asserted, for the report.
        type: str
        required: true
      sql:
        description: One query that gives one value, which must be true.
        type: str
      expected:
        description: The value that O(assertions[].sql) must give instead of true, compared as text; 'NULL' for none.
        type: raw
      rows_that_must_not_exist:
        description: One query that must give no row, instead of O(assertions[].sql).
        type: str
      time_limit:
        description: How many seconds it may take.
        type: int
        default: 60
  declared:
    description:
      - Patterns of what is meant, though it would fail the migration or be warned of, as the report names it.
      - C(index public.members_name), C(trigger public.orders.audit), C(foreign key public.orders.orders_member),
        C(sequence public.orders_id_seq), C(large objects), or the key of a finding of the audit, such as
        C(not_valid_constraints public.orders constraint positive). C(*), C(?) and C([abc]) match as in file names.
    type: list
    elements: str
    default: []
  may_do_nothing:
    description:
      - Let a migration pass that changes nothing at all. By default that is a failure, since a command that ends well
        without doing anything looks the same; nothing needs to be restored then.
    type: bool
    default: false
"""

# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of all unit tests."""

from __future__ import annotations

from hypothesis import settings

# a busy machine is no failure
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")

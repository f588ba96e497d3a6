# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings that a migration needs.

The database's name is not written here: PGDATABASE is the name that it has while nobody else finds it. Host, port, user
and password are left to libpq, which reads PGHOST and the others by itself.
"""

from __future__ import annotations

import os

INSTALLED_APPS = ["notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

"""Load the sample database, rows and all, into the running server of the home that is named."""

from __future__ import annotations

import sys
from pathlib import Path

import demo
import pgserver

if __name__ == "__main__":
    demo.load(pgserver.Server.at(Path(sys.argv[1])))

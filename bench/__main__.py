"""`python -m bench simulator`: run one measurement; without a name, tell which there are."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> int:
    names = sorted(each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)]) if each.name[0] != "_")
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"Usage: python -m bench {{{','.join(names)}}}", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:]))


sys.exit(main())

"""``python -m tests.faults.histories``."""

import sys

from tests.faults.histories.command import main

if __name__ == "__main__":
    sys.exit(main())

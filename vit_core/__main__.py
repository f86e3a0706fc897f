"""`python -m vit_core …`: the command line."""

import sys

from vit_core.cli import main

if __name__ == "__main__":
    sys.exit(main())

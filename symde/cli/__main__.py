"""`python -m symde.cli`."""

import sys

from symde.cli import main

if __name__ == "__main__":
    sys.exit(main())

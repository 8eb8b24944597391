"""Entry point of `python -m search`, the same as `bpsearch`."""

import sys

from search.cli import main

sys.exit(main())

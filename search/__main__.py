"""`python -m search` is `bpsearch`."""

import sys

from search.cli import main

sys.exit(main())

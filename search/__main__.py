"""Entry point of `python -m search`, the same as `bpsearch`."""

import sys

from bpsearch import main

sys.exit(main())

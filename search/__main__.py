"""Entry point of `python -m search`, the same as `bpsearch`."""

import sys
from pathlib import Path

from search.processes import python

python.leave_out_current_folder(Path(__file__).parents[1])

from search.cli import main  # noqa: E402 - after the path is safe

sys.exit(main())

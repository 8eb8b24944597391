"""Entry point of `python -m search`, the same as `bpsearch`."""

import sys

from search.processes import python

python.leave_out_current_folder()

from bpsearch import main  # noqa: E402 - after the path is safe

sys.exit(main())

"""Run it: see `benchmarks/scale/measuring.py`."""

from benchmarks.common import main
from benchmarks.scale.measuring import measure

if __name__ == "__main__":
    main("scale", measure, repeats=1)

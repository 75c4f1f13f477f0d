"""The benchmarks: `python -m bench`, in the development environment that `make bench` installs."""

import os
import sys
from importlib.util import find_spec

# Its servers are those of the tests, which `make install` alone does not bring what they need.
if find_spec("pytest") is None:
    sys.exit("The benchmarks need the development environment: make bench")

# As the workers have it: threads of BLAS would only contend for the one core that is measured.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys

from bench.models import main

sys.exit(main(sys.argv[1:]))

"""`python -m sparge` is `sparge`."""

from sparge.cli import main

main()

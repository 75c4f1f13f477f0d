"""`sparge worker`: one process of the work."""

from typing import Annotated

import typer

from sparge.settings import reach
from sparge.worker import Worker, run_worker


def worker(
    name: Annotated[Worker, typer.Argument(help="ingest and record store; watch raises alarms.")],
) -> None:
    """Run one worker: ingest, watch or record.

    It runs until Ctrl-C or SIGTERM, writes what it does to standard error and ends with 1 when it cannot go
    on: whoever supervises it starts it again. Up to as many of each as there are partitions share the work.
    """
    raise typer.Exit(run_worker(name, reach()))

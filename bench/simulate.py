"""What simulated bioreactors cost: the arrays alone, and a hundred of them published once a second."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from bench._report import Figure, Report
from bench._system import servers
from simulator.fleet import Fleet, Reactor
from simulator.sensing.style import PLANT
from sparge.live import US_PER_S, Clock, LiveFleet
from streams.batch_sender import BatchSender
from streams.fleet_publisher import FleetPublisher

KINDS = (("e_coli", "2L"), ("e_coli", "25000L"), ("s_cerevisiae", "200L"), ("cho", "2L_cell"))
FLEETS = (1, 10, 100)
STEPS = 300
PUBLISHED_S = 60
UNITS = 100
ALLOWED = 0.25
"""A hundred bioreactors at one reading a second may take so much of one core."""


def reactors(count: int) -> list[Reactor]:
    """Return bioreactors of all kinds in turn."""
    kinds = (KINDS[number % len(KINDS)] for number in range(count))
    return [Reactor(f"BR-{number:03d}", *kind, seed=number) for number, kind in enumerate(kinds)]


def cpu_s() -> float:
    """Return the seconds that this process and its threads have computed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def step_s(count: int) -> float:
    """Return the CPU seconds of one step of so many bioreactors, nothing published: median of ten rounds."""
    fleet = Fleet(reactors(count), style=PLANT)
    rounds = []
    for _ in range(10):
        began_s = cpu_s()
        for _ in range(STEPS // 10):
            list(fleet.step().rows())
        rounds.append((cpu_s() - began_s) / (STEPS // 10))
    return float(np.median(rounds))


def published() -> tuple[float, int]:
    """Return the CPU seconds that a second of UNITS bioreactors takes, and the samples published in it."""
    fleet = Fleet(reactors(UNITS), style=PLANT)
    with servers() as (broker, _), FleetPublisher(broker) as publisher, BatchSender(broker) as events:
        began_us = time.time_ns() // 1000
        clock = Clock(began_us, began_us)
        live = LiveFleet(fleet, publisher, events, clock, site="bench", member="bench")
        end_us = clock.real_us(PUBLISHED_S)
        began_s = cpu_s()
        while (now_us := time.time_ns() // 1000) < end_us:
            live.advance(now_us)
            time.sleep(max(0.0, (live.next_due_us() - time.time_ns() // 1000) / US_PER_S))
        used_s = cpu_s() - began_s
    return used_s / PUBLISHED_S, round(live.samples / PUBLISHED_S)


def main(argv: list[str]) -> int:
    """Measure and tell."""
    steps = {count: step_s(count) for count in FLEETS}
    share, samples = published()
    figures = [
        Figure(f"one second of {count} bioreactors", 1e3 * taken, "ms of CPU")
        for count, taken in steps.items()
    ]
    figures += [
        Figure("a second of one of 100", 1e6 * steps[100] / 100, "µs of CPU"),
        Figure(
            f"{UNITS} bioreactors published once a second",
            share,
            "cores",
            ratio=share / ALLOWED,
            to="a quarter of a core",
        ),
        Figure("published meanwhile", samples, "samples/s"),
    ]
    observations = (
        "Arrays: the time of a step hardly grows from 1 to 100 bioreactors; it is NumPy's cost a call.",
        "Published: less than a tenth of it is the simulation; the rest is framing, encoding and sending.",
    )
    return Report("simulate", tuple(figures), observations).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

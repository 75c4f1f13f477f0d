"""What can go wrong: one entry a kind, from which parser, truth and reference page are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultKind(StrEnum):
    """The kinds of faults."""

    FROZEN_PROBE = "frozen_probe"
    DRIFTING_PROBE = "drifting_probe"
    SPIKING_PROBE = "spiking_probe"
    CLIPPED_PROBE = "clipped_probe"
    BIASED_PROBE = "biased_probe"
    FAILED_PROBE = "failed_probe"
    FOULED_OFFGAS_LINE = "fouled_offgas_line"
    STOPPED_FEED = "stopped_feed"
    WRONG_FEED_RATE = "wrong_feed_rate"
    LOST_STIRRER = "lost_stirrer"
    CONTAMINATION = "contamination"
    PHAGE = "phage"
    FOAM_OUT = "foam_out"
    STUCK_GAS_VALVE = "stuck_gas_valve"
    STUCK_COOLING_VALVE = "stuck_cooling_valve"
    EMPTY_BASE = "empty_base"
    POWER_DIP = "power_dip"
    LOST_DEVICE = "lost_device"
    WRONG_CLOCK = "wrong_clock"
    NETWORK_TROUBLE = "network_trouble"


class Acts(StrEnum):
    """What a fault acts on."""

    PROBE = "one instrument"
    ANALYSER = "the off-gas analyser"
    PROCESS = "the process"
    DEVICE = "the device that reports"


@dataclass(frozen=True, slots=True)
class Severity:
    """What the number behind a fault means: its usual value, its least and greatest."""

    means: str
    usual: float = 1.0
    least: float = 0.0
    most: float = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        happens: what it is, in a sentence.
        signals: where an engineer sees it first; empty: in the probe's own signal, or in all of a device.
        shows: how it shows there, in a sentence.
        lasts_s: how long it lasts where no end is given; None: for good.
        at_once: it is done in a moment, and takes no end.
    """

    acts: Acts
    happens: str
    signals: tuple[str, ...]
    shows: str
    severity: Severity
    lasts_s: float | None = None
    at_once: bool = False


GROSS = "size of the error, in gross errors of that instrument (pH 0.3, DO 15 %, ...)"
SHARE = "share that is lost"

KINDS: Mapping[FaultKind, Kind] = MappingProxyType(
    {
        FaultKind.FROZEN_PROBE: Kind(
            Acts.PROBE,
            "The instrument repeats its last reading to the bit; its controller believes it.",
            (),
            "The reading stands still, without noise; the loop that it controls runs away unseen.",
            Severity("without meaning", least=1.0),
        ),
        FaultKind.DRIFTING_PROBE: Kind(
            Acts.PROBE,
            "The zero of the instrument runs off evenly.",
            (),
            "The reading leaves that of a second probe; where it is controlled, the truth runs off instead "
            "and the actuator shows it.",
            Severity("gross errors an hour; negative downwards", most=100.0, least=-100.0),
        ),
        FaultKind.SPIKING_PROBE: Kind(
            Acts.PROBE,
            "A loose contact: one reading in twenty is far off, up or down.",
            (),
            "Single readings leap and return.",
            Severity("three times this many gross errors a spike", most=100.0),
        ),
        FaultKind.CLIPPED_PROBE: Kind(
            Acts.PROBE,
            "The transmitter's range is set too short: the reading never passes a ceiling just below where "
            "it was.",
            (),
            "The reading stands at one value and leaves it downwards only.",
            Severity("how far the ceiling is below the reading, in quarters of a gross error", most=100.0),
        ),
        FaultKind.BIASED_PROBE: Kind(
            Acts.PROBE,
            "The instrument shows too much (or too little) from one reading to the next, and stays so.",
            (),
            "A step, then a loop that carries the truth off by as much.",
            Severity(f"{GROSS}; negative downwards", least=-100.0, most=100.0),
        ),
        FaultKind.FAILED_PROBE: Kind(
            Acts.PROBE,
            "The sensor breaks and its transmitter notices (NE 107 F); controllers hold the last reading.",
            (),
            "No value, status BadSensorFailure.",
            Severity("without meaning", least=1.0),
        ),
        FaultKind.FOULED_OFFGAS_LINE: Kind(
            Acts.ANALYSER,
            "Condensate and foam in the sample line: the gas comes late, mixed, and with room air.",
            ("offgas_CO2", "offgas_O2"),
            "CO2 sinks and O2 rises towards room air; changes come minutes late. OUR and CER seem to fall.",
            Severity("1: a minute later, half a minute slower, 30 % room air", most=3.0),
        ),
        FaultKind.STOPPED_FEED: Kind(
            Acts.PROCESS,
            "The feed pump's tube is blocked: nothing arrives, whatever is asked.",
            ("feed_rate", "DO", "offgas_CO2"),
            "The flow falls to nothing; as soon as the substrate is gone DO leaps up and CO2 falls.",
            Severity(SHARE),
        ),
        FaultKind.WRONG_FEED_RATE: Kind(
            Acts.PROCESS,
            "The feed pump gives more (or less) than it is asked for.",
            ("feed_rate", "DO"),
            "The flow leaves its set point; then stirrer, CO2 and base follow.",
            Severity("share by which it gives too much; negative: too little", 0.5, -1.0, 3.0),
        ),
        FaultKind.LOST_STIRRER: Kind(
            Acts.PROCESS,
            "The drive trips: the impeller stops at once, and with it most of the oxygen transfer.",
            ("agitation", "DO"),
            "Speed, torque and power fall to nothing within seconds, DO within a minute; an interlock stops "
            "the feed after ten seconds, and DO comes back when what is left of it is eaten.",
            Severity("share of the torque that is lost"),
        ),
        FaultKind.CONTAMINATION: Kind(
            Acts.PROCESS,
            "A foreign bacterium comes in with an addition and grows fast.",
            ("DO", "offgas_CO2", "base_rate"),
            "After hours DO falls and acid calls for base (or for less CO2 in the gas) faster than the "
            "culture can grow. Where a feed leaves no spare sugar only OD shows it.",
            Severity("g/L of foreign cells put in", 1e-4, 0.0, 10.0),
            at_once=True,
        ),
        FaultKind.PHAGE: Kind(
            Acts.PROCESS,
            "A phage bursts the cells.",
            ("OD", "agitation", "offgas_CO2"),
            "OD and capacitance fall and foam rises; respiration collapses within the hour, so the stirrer "
            "sinks, CO2 falls, and DO rises once the stirrer is at its least.",
            Severity("rate at which living cells burst, 1/h", 3.0, 0.0, 50.0),
        ),
        FaultKind.FOAM_OUT: Kind(
            Acts.PROCESS,
            "The broth foams over, wets the exhaust filter and clogs it.",
            ("foam", "pressure"),
            "Foam rises whatever antifoam is given; half an hour later so does head pressure, and the "
            "exhaust flow falls.",
            Severity("1: 5 cm/min of foam, the filter clogs in half an hour", most=10.0),
        ),
        FaultKind.STUCK_GAS_VALVE: Kind(
            Acts.PROCESS,
            "The gas valve stands still: less gas arrives than is asked for (or more).",
            ("gas_flow", "DO"),
            "The flow leaves its set point; the stirrer rises to keep DO, then DO falls.",
            Severity("share of the gas that is lost; negative: too much", 0.8, -2.0, 1.0),
        ),
        FaultKind.STUCK_COOLING_VALVE: Kind(
            Acts.PROCESS,
            "The cooling valve stands still, whatever position it is given.",
            ("jacket_flow", "jacket_outlet_temperature", "temperature"),
            "The coolant no longer follows the valve's output; the jacket's temperatures follow within a "
            "minute, and the output runs to its other end. Open: heater up, temperature down; shut: it rises "
            "as soon as the culture makes more heat than the vessel loses.",
            Severity("1: stands shut, 0: stands open"),
        ),
        FaultKind.EMPTY_BASE: Kind(
            Acts.PROCESS,
            "The base bottle is empty: the pump turns and nothing comes.",
            ("base_pump", "pH", "base_rate"),
            "pH sinks below its dead band while the pump runs faster and faster and nothing flows.",
            Severity(SHARE),
        ),
        FaultKind.POWER_DIP: Kind(
            Acts.PROCESS,
            "Stirrer, pumps, gas valves and heater are without current; the instruments have a battery.",
            ("agitation", "gas_flow", "DO"),
            "Speed and gas fall together and come back together.",
            Severity("without meaning", least=1.0),
            lasts_s=10.0,
        ),
        FaultKind.LOST_DEVICE: Kind(
            Acts.DEVICE,
            "The device falls silent: the culture goes on under local control, but nobody hears of it.",
            (),
            "No samples of any signal.",
            Severity("without meaning", least=1.0),
        ),
        FaultKind.WRONG_CLOCK: Kind(
            Acts.DEVICE,
            "The device's clock leaps, as after a restart without time service.",
            (),
            "Device times leave those at which samples arrive.",
            Severity("seconds ahead; negative: behind", 120.0, -86400.0, 86400.0),
        ),
        FaultKind.NETWORK_TROUBLE: Kind(
            Acts.DEVICE,
            "Samples are lost on the way, and rows come late and out of order.",
            (),
            "Gaps in every signal.",
            Severity("share of samples that are lost, and of rows that come late", 0.2, 0.0, 1.0),
        ),
    }
)

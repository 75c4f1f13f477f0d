"""The controllers of the vessel: a PI law with limits, and a pump that doses in shots."""

from dataclasses import dataclass


@dataclass(slots=True)
class PI:
    """Proportional-integral control, the integral held while the output is at a limit.

    Attributes:
        gain: output per unit of error (set point less reading).
        reset_s: time in which the integral repeats the proportional part.
        low, high: limits of the output.
        integral: the output at zero error.
    """

    setpoint: float
    gain: float
    reset_s: float
    low: float
    high: float
    integral: float = 0.0

    def output(self, reading: float, span_s: float) -> float:
        """The output after `span_s` seconds at `reading`."""
        error = self.setpoint - reading
        proportional = self.gain * error
        integral = self.integral + proportional * span_s / self.reset_s
        wanted = proportional + integral
        limited = min(max(wanted, self.low), self.high)
        # At a limit the integral moves only in the direction that leads away from it.
        if wanted == limited or (wanted - limited) * error < 0.0:
            self.integral = integral
        return limited


@dataclass(slots=True)
class ShotPump:
    """A pump that can only give whole shots: what is asked for adds up until a shot is due."""

    shot_ml: float
    owed_ml: float = 0.0

    def dose_ml(self, rate_ml_h: float, span_s: float) -> float:
        """Volume given in `span_s` seconds at an asked rate."""
        self.owed_ml += rate_ml_h * span_s / 3600.0
        shots = int(self.owed_ml / self.shot_ml)
        self.owed_ml -= shots * self.shot_ml
        return shots * self.shot_ml

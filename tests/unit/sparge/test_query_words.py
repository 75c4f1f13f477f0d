"""What `sparge query` says of a span that shows nothing."""

from __future__ import annotations

from sparge.commands.query import why_none
from storage.queries import Elsewhere

HOUR_US = 3_600_000_000
SPAN_US = (0, 2 * HOUR_US)


def test_an_empty_span_is_told_from_a_store_without_the_signal() -> None:
    assert why_none(Elsewhere(None, None, ()), SPAN_US, None) == "nothing is stored of these signals."
    words = why_none(Elsewhere(3 * HOUR_US, 5 * HOUR_US, ()), SPAN_US, None)
    assert "1970-01-01 03:00" in words.replace("T", " ")
    assert "1970-01-01 05:00" in words.replace("T", " ")


def test_sums_that_are_left_are_shown_with_the_width_that_asks_for_them() -> None:
    assert "the hour and minute are left. To see them: --width 120" in why_none(
        Elsewhere(0, HOUR_US, ("1h", "1m")), SPAN_US, None
    )
    assert "the hour are left. To see them: --width 2" in why_none(
        Elsewhere(0, HOUR_US, ("1h",)), SPAN_US, None
    )

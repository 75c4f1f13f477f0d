"""Errors speak in two layers and hang in one tree."""

import inspect
import re

import pytest

from schemas import errors
from schemas.errors import FrameRefused, NotInstalled, Reason, SpargeError

CLASSES = [
    value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, SpargeError)
]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_stands_in_the_tree_of_the_docstring(error: type[SpargeError]) -> None:
    assert re.search(rf"\b{error.__name__}\b", errors.__doc__ or "")


def test_an_error_without_a_message_says_the_first_line_of_its_class() -> None:
    assert str(errors.BrokerUnreachable()) == "The broker cannot be reached."


def test_an_error_keeps_cause_detail_what_was_kept_and_the_next_step_apart() -> None:
    error = SpargeError("It broke.", detail="errno 5", kept="All samples.", next_step="sparge doctor")
    assert (str(error), error.message, error.detail) == ("It broke.", "It broke.", "errno 5")
    assert (error.kept, error.next_step) == ("All samples.", "sparge doctor")


def test_a_refused_frame_carries_reason_and_path() -> None:
    error = FrameRefused(Reason.RAGGED, "signals.DO.values", "Too few.")
    assert (error.reason, error.where, error.message) == ("ragged", "signals.DO.values", "Too few.")


def test_a_missing_layer_says_how_to_install_it() -> None:
    error = NotInstalled("server")
    assert "server" in error.message
    assert error.next_step == "pip install 'sparge[server]'"

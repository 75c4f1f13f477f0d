"""Envelopes of reference batches on their topic: written whole before any event names them, read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.models.kept_envelope import Envelopes
from streams.single import send_one
from streams.tail import read_all
from streams.topics import MODELS_ENVELOPES

if TYPE_CHECKING:
    from agents.models.kept_envelope import Kept
    from streams.connection import Broker


def envelopes_of(broker: Broker) -> Envelopes:
    """Every envelope that the broker has.

    Raises:
        BrokerError: the topic does not exist, or the broker does not answer.
    """
    found = Envelopes()
    for record in read_all(broker, MODELS_ENVELOPES.name):
        found.take(record.key, record.value)
    return found


def send_envelope(broker: Broker, kept: Kept) -> None:
    """Send the parts of an envelope; to send them twice changes nothing.

    Raises:
        DeliveryFailed: the broker did not take one of them.
    """
    for key, value in kept.parts:
        send_one(broker, MODELS_ENVELOPES.name, key, value, (), kept="No model names the envelope yet.")

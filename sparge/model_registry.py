"""The registry of models as a person meets it: read from the log, changed by one event at a time."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from agents.models.contenders import registrations
from agents.models.registry import EVERYWHERE, Registry, announcements, context_text, next_us
from schemas.errors import ContractError, FrameRefused, ModelRefused, QueryRefused
from schemas.model_event import SYSTEM, ModelContext, ModelEvent, refuse_misplaced
from streams.codec import outgoing
from streams.single import send_one
from streams.tail import read_all
from streams.topics import MODELS_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.models.registry import Standing
    from streams.connection import Broker
    from streams.record import Record

NOTHING_CHANGED = "Nothing was changed."


def understood(records: Iterable[Record]) -> list[ModelEvent]:
    """The events in records of models.registry; what is none is left to the dead letters, as record does."""
    found = []
    for record in records:
        try:
            event = ModelEvent.decode(record.value or b"")
            refuse_misplaced(event, record.key, record.recorded_us)
        except (ContractError, FrameRefused):
            continue
        found.append(event)
    return found


def registry_of(broker: Broker, *, announce: bool = False) -> Registry:
    """Return the registry as the log has it, and with it the models of this version.

    announce: send what the log does not have of these yet.

    Raises:
        BrokerError: the topic does not exist, or the broker does not answer.
    """
    registry = Registry(understood(read_all(broker, MODELS_REGISTRY.name)))
    told = announcements(registry, registrations(), next_us(registry, time.time_ns() // 1000))
    for event in told if announce else ():
        _send(broker, event)
    return Registry([*registry.events, *told])


def tell(broker: Broker, registry: Registry, event: str, **said: Any) -> ModelEvent:
    """Send one event, checked against the registry; returns it once the broker has it.

    Raises:
        ModelRefused: it breaks a rule, or names no person.
        DeliveryFailed: the broker did not take it.
    """
    if said.get("by", "").strip().casefold() == SYSTEM:
        raise ModelRefused(f"--by {SYSTEM} is no person: give your name.", kept=NOTHING_CHANGED)
    told = {name: value for name, value in said.items() if value is not None}
    now_us = next_us(registry, time.time_ns() // 1000)
    message = ModelEvent.model_validate(
        {"id": str(uuid.uuid4()), "event": event, "time_us": now_us, **told}, by_name=True
    )
    refusal = registry.refusal(message)
    if refusal:
        raise ModelRefused(refusal, kept=NOTHING_CHANGED, next_step="sparge models list")
    _send(broker, message)
    return message


def find(registry: Registry, wanted: str, context: ModelContext | None, layer: str | None = None) -> Standing:
    """Return the model of this name, name@version or beginning of a digest, in a context if one is given.

    Raises:
        QueryRefused: there is none, or there are several.
    """
    found = _named(registry, wanted, context, layer)
    if not found:
        place = "" if context is None else f" registered for {context_text(context)}"
        raise QueryRefused(f"There is no model {wanted}{place}.", next_step="sparge models list")
    if len(found) > 1:
        everywhere = [one for one in found if one.context == EVERYWHERE]
        if len(everywhere) != 1:
            places = "; ".join(context_text(one.context) for one in found)
            raise QueryRefused(
                f"{wanted} is registered in several contexts: {places}.",
                next_step="say which: --unit, --organism, --process, --scale, --phase, --layer",
            )
        return everywhere[0]
    return found[0]


def find_anywhere(registry: Registry, wanted: str, layer: str | None = None) -> Standing:
    """Return the model of this name, name@version or beginning of a digest, wherever it is registered.

    Raises:
        QueryRefused: there is none, or there are several.
    """
    found = _named(registry, wanted, None, layer)
    if not found:
        raise QueryRefused(f"There is no model {wanted}.", next_step="sparge models list --all")
    return found[0]


def _named(
    registry: Registry, wanted: str, context: ModelContext | None, layer: str | None
) -> list[Standing]:
    name, _, version = wanted.partition("@")
    found = [
        one
        for one in registry.standings()
        if (
            (one.model.name == name and version in ("", one.model.version))
            or (len(wanted) >= 6 and one.model.digest.startswith(wanted))
        )
        and (context is None or one.context == context)
        and (layer is None or one.layer == layer)
    ]
    if len({one.model.digest for one in found}) > 1:
        names = ", ".join(sorted({f"{one.model.name}@{one.model.version}" for one in found}))
        raise QueryRefused(f"{wanted} is several models: {names}.", next_step=f"name one: {names}")
    return found


def _send(broker: Broker, event: ModelEvent) -> None:
    key, body, headers = outgoing(event)
    send_one(broker, MODELS_REGISTRY.name, key, body, headers, kept=NOTHING_CHANGED)

"""The registry of models as a person meets it: read from the log, changed by one event at a time."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agents.models.contenders import registrations
from agents.models.registry import EVERYWHERE, Registry, announcements, context_text, next_us
from schemas.errors import ContractError, FrameRefused, ModelRefused, QueryRefused
from schemas.model_event import SYSTEM, ModelContext, ModelEvent, refuse_misplaced
from schemas.wire import complaints
from sparge.terminal import command_name
from streams.codec import outgoing
from streams.single import send_one
from streams.tail import read_all
from streams.topics import MODELS_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
    must_be_signed(said["by"], said["why"], reason_needed=event != "verdict")
    told = {name: value for name, value in said.items() if value is not None}
    now_us = next_us(registry, time.time_ns() // 1000)
    try:
        message = ModelEvent.model_validate(
            {"id": str(uuid.uuid4()), "event": event, "time_us": now_us, **told}, by_name=True
        )
    except ValidationError as error:
        raise ModelRefused(f"{complaints(error)}.", kept=NOTHING_CHANGED) from error
    refusal = registry.refusal(message)
    if refusal:
        raise ModelRefused(refusal, kept=NOTHING_CHANGED, next_step=f"{command_name()} models list")
    _send(broker, message)
    return message


def must_be_signed(by: str, why: str, *, reason_needed: bool = True) -> None:
    """Make sure that a person is named, and a reason; to be asked before anything that takes long.

    Raises:
        ModelRefused: one is missing, cannot be printed or is too long, or it is no person.
    """
    for option, said, most, needed in (("by", by, 200, True), ("why", why, 2000, reason_needed)):
        wrong = ""
        if needed and not said.strip():
            wrong = "is empty: give your name" if option == "by" else "is empty: give the reason"
        elif not said.isprintable():
            wrong = "has characters that cannot be printed, such as a line's end: write it in one line"
        elif len(said) > most:
            wrong = f"has {len(said):,} characters: write at most {most:,}"
        if wrong:
            raise ModelRefused(f"--{option} {wrong}.", kept=NOTHING_CHANGED)
    if by.strip().casefold() == SYSTEM:
        raise ModelRefused(f"--by {SYSTEM} is no person: give your name.", kept=NOTHING_CHANGED)


def recipe_in(file: Path) -> str:
    """The text of a recipe.

    Raises:
        ModelRefused: it is empty, or not text in UTF-8.
        OSError: the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelRefused(
            f"{file} is not text in UTF-8: byte {error.start} is none of it.",
            kept=NOTHING_CHANGED,
            next_step="save the recipe as UTF-8, and type the command again",
        ) from error
    if not text.strip():
        raise ModelRefused(
            f"{file} is empty.",
            kept=NOTHING_CHANGED,
            next_step="write a recipe as docs/how-to/models.md shows one",
        )
    return text


def find(registry: Registry, wanted: str, context: ModelContext | None, layer: str | None = None) -> Standing:
    """Return the model of this name, name@version or beginning of a digest, in a context if one is given.

    Raises:
        QueryRefused: there is none, or there are several.
    """
    found = _named(registry, wanted, context, layer)
    if not found:
        place = "" if context is None else f" registered for {context_text(context)}"
        raise QueryRefused(f"There is no model {wanted}{place}.", next_step=f"{command_name()} models list")
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
        raise QueryRefused(f"There is no model {wanted}.", next_step=f"{command_name()} models list --all")
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

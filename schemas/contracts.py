"""The contracts: which model, in which version, lies on which topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import orjson

from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.deadletter import DeadLetter
from schemas.errors import ContractError
from schemas.forecast import ForecastMessage
from schemas.frame import SensorFrame
from schemas.model_event import ModelEvent
from schemas.score import ScoreMessage
from schemas.wire import WireModel

# Words for people: they may change within a version.
_PROSE = frozenset({"title", "description", "examples"})
# Pydantic makes a title of each field's name, which tells a reader nothing.
_NOISE = frozenset({"title"})


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract in its present major version; `examples` are files of schemas/examples.

    ours: only Sparge writes it. Its readers can be brought up to date before its writers, so its
    enumerations may grow within a version (decision 0011).
    """

    name: str
    version: int
    model: type[WireModel]
    topics: tuple[str, ...]
    examples: tuple[str, ...]
    ours: bool = False

    @property
    def schema_name(self) -> str:
        """What the body's field `schema` says, such as sparge.frame/1."""
        return f"sparge.{self.name}/{self.version}"

    @property
    def file_name(self) -> str:
        """Name of its JSON Schema file."""
        return f"{self.name}.v{self.version}.schema.json"


_ALL = (
    Contract(
        "frame",
        1,
        SensorFrame,
        ("telemetry.frames", "telemetry.history"),
        ("frame.v1.json", "frame.v1.sparse.json", "frame.v1.dropped.json"),
    ),
    Contract("batch", 1, BatchEvent, ("batch.events",), ("batch.v1.start.json", "batch.v1.sample.json")),
    Contract(
        "alarm",
        1,
        AlarmTransition,
        ("alarm.transitions",),
        ("alarm.v1.raised.json", "alarm.v1.cleared.json", "alarm.v1.spike.json"),
        ours=True,
    ),
    Contract(
        "score", 1, ScoreMessage, ("watch.results",), ("score.v1.json", "score.v1.unit.json"), ours=True
    ),
    Contract(
        "forecast",
        1,
        ForecastMessage,
        ("watch.results",),
        ("forecast.v1.json", "forecast.v1.limit.json"),
        ours=True,
    ),
    Contract(
        "model-event",
        1,
        ModelEvent,
        ("models.registry",),
        ("model-event.v1.registered.json", "model-event.v1.promoted.json", "model-event.v1.verdict.json"),
        ours=True,
    ),
    Contract("deadletter", 1, DeadLetter, ("telemetry.deadletter",), ("deadletter.v1.json",), ours=True),
)

CONTRACTS: Mapping[str, Contract] = MappingProxyType({contract.name: contract for contract in _ALL})

_BY_SCHEMA = {contract.schema_name: contract.model for contract in _ALL}


def decode(body: bytes) -> WireModel:
    """The message in `body`, of whichever contract its field `schema` names.

    Raises:
        ContractError: it names none that is known here, or does not follow it.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        raise ContractError(f"The message is not UTF-8 JSON: {wrong.msg}.", detail=str(wrong)) from wrong
    named = parsed.get("schema") if isinstance(parsed, dict) else None
    model = _BY_SCHEMA.get(named) if isinstance(named, str) else None
    if model is None:
        raise ContractError(
            f"The message's schema is {named!a:.80}; this version of Sparge reads "
            f"{', '.join(_BY_SCHEMA)}. Send one of these, or update Sparge."
        )
    return model.decode(body)


def example(name: str) -> bytes:
    """An example message, by the name of its file."""
    return files("schemas").joinpath("examples", name).read_bytes()


def json_schema(model: type[WireModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what may be sent; `schema` is required, though our models know it."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    named = schema["properties"].get("schema")
    if named is not None:
        named.pop("default", None)
        schema["required"] = ["schema", *schema.get("required", [])]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": schema["title"]}
    return {**head, **_without(_NOISE, schema)}


def fingerprint(model: type[WireModel]) -> str:
    """SHA-256 of what the contract demands, its prose left out."""
    return sha256(orjson.dumps(demands(json_schema(model)), option=orjson.OPT_SORT_KEYS)).hexdigest()


def demands(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without prose."""
    stripped: dict[str, Any] = _without(_PROSE, schema)
    return stripped


def _without(words: frozenset[str], node: Any, *, names: bool = False) -> Any:
    """`node` without the keywords `words`; `names` says that its keys are names of fields, not keywords."""
    if isinstance(node, list):
        return [_without(words, item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without(words, value, names=not names and key in {"properties", "$defs"})
        for key, value in node.items()
        if names or key not in words
    }


def breaking(released: Any, present: Any, where: str = "", *, ours: bool = False) -> list[str]:
    """Paths at which `present` (both without prose) is more than `released` with optional fields added.

    Only such additions leave every message of the released contract valid and every old reader content.
    ours: of a contract that only Sparge writes; there an enumeration may have new values, too, for its
    readers are brought up to date first.
    """
    if not isinstance(released, dict) or not isinstance(present, dict):
        return [] if released == present else [where]
    paths: list[str] = []
    for key in sorted(released.keys() | present.keys()):
        path = f"{where}.{key}".lstrip(".")
        if key not in released or key not in present:
            if key != "$defs":
                paths.append(path)
        elif key in {"properties", "$defs"}:
            after = present[key]
            for name, before in released[key].items():
                inside = f"{path}.{name}"
                paths += breaking(before, after[name], inside, ours=ours) if name in after else [inside]
        elif not (ours and key == "enum" and set(released[key]) <= set(present[key])):
            paths += breaking(released[key], present[key], path, ours=ours)
    return paths

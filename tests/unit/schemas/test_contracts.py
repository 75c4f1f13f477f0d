"""A contract does not change without its version, and every released example still decodes."""

from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import orjson
import pytest
from pydantic import Field

from schemas.contracts import (
    CONTRACTS,
    Contract,
    breaking,
    decode,
    demands,
    example,
    fingerprint,
    json_schema,
)
from schemas.decoding import decode_frame
from schemas.errors import ContractError
from schemas.export import COMMAND, export, main, read_index
from schemas.wire import WireModel

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
RELEASED = sorted(path.name for path in (ROOT / "schemas" / "examples").iterdir())

each_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


@each_contract
def test_a_contract_is_the_one_that_was_released(contract: Contract) -> None:
    """When this fails: raise the version, or, for an optional addition, run the command that it names."""
    index = {(entry["name"], entry["version"]): entry["fingerprint"] for entry in read_index(REFERENCE)}
    released = index.get((contract.name, contract.version))
    assert released == fingerprint(contract.model), (
        f"{contract.schema_name} is not the released one. If it would break old messages or old "
        f"readers, raise its version in schemas/contracts.py and in the model's field `schema`. "
        f"Then, in either case, run: {COMMAND}"
    )


@each_contract
def test_the_reference_is_up_to_date(contract: Contract) -> None:
    written = orjson.loads((REFERENCE / contract.file_name).read_bytes())
    assert written == json_schema(contract.model), f"{contract.file_name} is out of date. Run: {COMMAND}"


@each_contract
def test_every_field_is_described(contract: Contract) -> None:
    schema = json_schema(contract.model)
    for part in [schema, *schema.get("$defs", {}).values()]:
        assert part["description"]
        for name, field in part.get("properties", {}).items():
            assert field.get("description"), f"{contract.name}: {name} has no description"


@each_contract
def test_the_schema_is_valid_and_names_its_version(contract: Contract) -> None:
    schema = json_schema(contract.model)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"]["const"] == contract.schema_name
    assert "schema" in schema["required"]


def test_every_example_belongs_to_a_contract() -> None:
    assert sorted(name for contract in CONTRACTS.values() for name in contract.examples) == RELEASED


@pytest.mark.parametrize("name", RELEASED)
def test_every_released_example_still_decodes(name: str) -> None:
    contract = CONTRACTS[name.partition(".")[0]]
    assert isinstance(decode(example(name)), contract.model)


@pytest.mark.parametrize("name", RELEASED)
def test_every_example_follows_the_published_schema(name: str) -> None:
    contract = CONTRACTS[name.partition(".")[0]]
    validator = jsonschema.Draft202012Validator(json_schema(contract.model))
    validator.validate(orjson.loads(example(name)))


@pytest.mark.parametrize("name", [name for name in RELEASED if name.startswith("frame.")])
def test_every_released_frame_is_taken_by_ingest(name: str) -> None:
    decode_frame(example(name), b"north/BR-01", 1_790_000_200_000_000)


def follows_the_published_schema(change: dict[str, Any]) -> bool:
    schema = orjson.loads((REFERENCE / "frame.v1.schema.json").read_bytes())
    body = {**orjson.loads(example("frame.v1.json")), **change}
    return jsonschema.Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize("change", [{}, {"later": 1}, {"edge_us": None}])
def test_a_good_frame_follows_the_published_schema(change: dict[str, Any]) -> None:
    assert follows_the_published_schema(change)


@pytest.mark.parametrize(
    "change",
    [
        {"site": "north/east"},
        {"epoch": "1"},
        {"schema": "sparge.frame/2"},
        {"signals": {"D O": {"unit": "%", "values": [1, 2]}}},
        {"signals": {"DO": {"values": [1, 2]}}},
        {"dropped": [[1, 2, 3]]},
    ],
)
def test_a_bad_frame_does_not_follow_the_published_schema(change: dict[str, Any]) -> None:
    assert not follows_the_published_schema(change)


class Pump(WireModel):
    """A pump."""

    schema_: Annotated[Literal["sparge.pump/1"], Field(alias="schema")] = "sparge.pump/1"
    flow: Annotated[float, Field(ge=0, description="Flow.")]


class RewordedPump(Pump):
    """A pump, in other words."""

    flow: Annotated[float, Field(ge=0, description="Litres per hour.")]


class PumpWithTube(Pump):
    """A pump."""

    tube: str | None = None


class PumpWithDemandedTube(Pump):
    """A pump."""

    tube: str


class PumpThatRunsBackwards(Pump):
    """A pump."""

    flow: float


class PumpOfTwoKinds(Pump):
    """A pump."""

    kind: Literal["feed", "base"]


class PumpOfThreeKinds(Pump):
    """A pump."""

    kind: Literal["feed", "base", "acid"]


class PumpWithoutFlow(WireModel):
    """A pump."""

    schema_: Annotated[Literal["sparge.pump/1"], Field(alias="schema")] = "sparge.pump/1"


def pump(model: type[WireModel], version: int = 1) -> Contract:
    return Contract("pump", version, model, ("pumps",), ())


def changes(model: type[WireModel]) -> list[str]:
    return breaking(demands(json_schema(Pump)), demands(json_schema(model)))


class TestAChange:
    def test_of_words_is_none(self) -> None:
        assert fingerprint(RewordedPump) == fingerprint(Pump)

    def test_that_adds_an_optional_field_is_seen_but_breaks_nothing(self) -> None:
        assert fingerprint(PumpWithTube) != fingerprint(Pump)
        assert changes(PumpWithTube) == []

    @pytest.mark.parametrize(
        ("model", "where"),
        [
            (PumpWithDemandedTube, "required"),
            (PumpThatRunsBackwards, "properties.flow.minimum"),
            (PumpWithoutFlow, "properties.flow"),
        ],
    )
    def test_of_what_is_demanded_breaks_the_contract_where_it_is(
        self, model: type[WireModel], where: str
    ) -> None:
        assert where in changes(model)

    def test_that_adds_to_an_enumeration_breaks_nothing_where_only_sparge_writes(self) -> None:
        two, three = (demands(json_schema(model)) for model in (PumpOfTwoKinds, PumpOfThreeKinds))
        assert breaking(two, three, ours=True) == []
        assert breaking(two, three) == ["properties.kind.enum"]
        assert breaking(three, two, ours=True) == ["properties.kind.enum"]


def test_only_what_others_may_write_keeps_its_enumerations() -> None:
    assert {contract.name for contract in CONTRACTS.values() if not contract.ours} == {"frame", "batch"}


class TestTheExport:
    @pytest.fixture
    def released(self, tmp_path: Path) -> Path:
        export(tmp_path, [pump(Pump)])
        return tmp_path

    def test_writes_a_schema_of_each_contract_and_an_index(self, released: Path) -> None:
        assert {path.name for path in released.iterdir()} == {"pump.v1.schema.json", "contracts.json"}
        (entry,) = read_index(released)
        assert (entry["schema"], entry["fingerprint"]) == ("sparge.pump/1", fingerprint(Pump))

    def test_takes_an_optional_addition_under_the_same_version(self, released: Path) -> None:
        export(released, [pump(PumpWithTube)])
        assert read_index(released)[0]["fingerprint"] == fingerprint(PumpWithTube)

    def test_refuses_an_incompatible_change_under_the_same_version(self, released: Path) -> None:
        with pytest.raises(
            ContractError, match=r"sparge.pump/1 changed incompatibly at .*Raise its version"
        ) as refused:
            export(released, [pump(PumpThatRunsBackwards)])
        assert refused.value.next_step == COMMAND
        assert read_index(released)[0]["fingerprint"] == fingerprint(Pump)

    def test_keeps_the_earlier_version_beside_the_new_one(self, released: Path) -> None:
        export(released, [pump(PumpThatRunsBackwards, version=2)])
        assert [entry["version"] for entry in read_index(released)] == [1, 2]
        assert (released / "pump.v1.schema.json").exists()

    def test_is_a_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(tmp_path / "new")]) == 0
        assert "frame.v1.schema.json" in capsys.readouterr().out

    def test_asks_for_its_directory(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 2
        assert COMMAND in capsys.readouterr().err

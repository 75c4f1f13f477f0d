"""Whatever bytes arrive, decoding gives a frame or a refusal; and what was encoded comes back to the bit."""

import struct
from typing import Any

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decoding import Frame, decode_frame, decode_message
from schemas.errors import ContractError, FrameRefused, Reason
from schemas.frame import SensorFrame, SignalColumn, StatusColumn
from schemas.signals import DICTIONARY
from schemas.status import Status

NOW_US = 1_790_000_000_000_000

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,10}", fullmatch=True)
counts = st.integers(0, 2**63 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1)
bad_codes = st.integers(0x80000000, 0xFFFFFFFF)


@st.composite
def positions(draw: st.DrawFn, length: int, least: int = 0) -> list[int]:
    return sorted(draw(st.sets(st.integers(0, length - 1), min_size=min(least, length), max_size=length)))


@st.composite
def columns(draw: st.DrawFn, name: str, times: int) -> SignalColumn:
    at = draw(st.none() | positions(times, least=1))
    count = times if at is None else len(at)
    values = draw(st.lists(st.none() | numbers.map(float), min_size=count, max_size=count))
    marked = draw(positions(count))
    codes = [draw(bad_codes if values[place] is None else st.integers(1, 2**32 - 1)) for place in marked]
    unit = DICTIONARY[name].unit if name in DICTIONARY else draw(st.sampled_from(["1", "cm", "{NTU}"]))
    status = StatusColumn(at=marked, codes=codes) if marked else None
    return SignalColumn(unit=unit, values=values, at=at, status=status)


@st.composite
def frames(draw: st.DrawFn) -> SensorFrame:
    times = sorted(draw(st.sets(st.integers(0, NOW_US), min_size=1, max_size=12)))
    wanted = draw(st.sets(names | st.sampled_from(sorted(DICTIONARY)), min_size=1, max_size=4))
    ranges = draw(st.none() | st.lists(st.tuples(counts, counts).map(lambda pair: (min(pair), max(pair)))))
    return SensorFrame(
        site=draw(names),
        unit=draw(names),
        device=draw(names),
        epoch=draw(counts),
        sequence=draw(counts),
        edge_us=draw(st.none() | st.integers(0, NOW_US)),
        time_us=times,
        signals={name: draw(columns(name, len(times))) for name in wanted},
        dropped=ranges,
    )


json_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
)
json_values = st.recursive(
    json_leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


def paths(content: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [path for step, inner in entries for path in [(*here, step), *paths(inner, (*here, step))]]


def replaced(content: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(content, dict):
        return {**content, step: replaced(content[step], tuple(rest), new)}
    return [
        replaced(inner, tuple(rest), new) if place == step else inner for place, inner in enumerate(content)
    ]


def expected_samples(column: SignalColumn, times: list[int]) -> list[tuple[int, bytes | None, int]]:
    """Time, bits of the value and status of each sample, by the slow and obvious way."""
    codes = dict(zip(column.status.at, column.status.codes, strict=True)) if column.status else {}
    at = range(len(times)) if column.at is None else column.at
    return [
        (times[place], None, codes.get(number, int(Status.BAD)))
        if value is None
        else (times[place], struct.pack("d", value), codes.get(number, 0))
        for number, (place, value) in enumerate(zip(at, column.values, strict=True))
    ]


def decoded_samples(frame: Frame, name: str) -> list[tuple[int, bytes | None, int]]:
    (column,) = [one for one in frame.columns if one.name == name]
    return [
        (time, None if np.isnan(value) else struct.pack("d", value), code)
        for time, value, code in zip(
            column.time_us.tolist(), column.values.tolist(), column.status.tolist(), strict=True
        )
    ]


def refusal(value: bytes, key: bytes | None) -> FrameRefused | None:
    """Why the message is refused, or None; any other exception fails the test."""
    try:
        decode_message(value, key, NOW_US)
    except FrameRefused as error:
        return error
    return None


@settings(deadline=None)
@given(st.binary(max_size=200), st.none() | st.binary(max_size=20))
def test_any_bytes_are_refused_or_decoded(value: bytes, key: bytes | None) -> None:
    error = refusal(value, key)
    assert error is None or (error.reason in Reason and error.message.endswith("."))


@settings(deadline=None)
@given(json_values, st.none() | st.binary(max_size=20))
def test_any_json_is_refused_or_decoded(content: Any, key: bytes | None) -> None:
    error = refusal(orjson.dumps(content), key)
    assert error is None or (error.reason in Reason and error.message.endswith("."))


@settings(deadline=None)
@given(frames())
def test_what_was_encoded_comes_back_to_the_bit(sent: SensorFrame) -> None:
    frame = decode_frame(sent.encode(), sent.key.encode(), NOW_US)
    assert (frame.site, frame.unit, frame.device, frame.key) == (sent.site, sent.unit, sent.device, sent.key)
    assert (frame.epoch, frame.sequence, frame.edge_us) == (sent.epoch, sent.sequence, sent.edge_us)
    assert frame.dropped == tuple(sent.dropped or ())
    assert [column.name for column in frame.columns] == list(sent.signals)
    for name, column in sent.signals.items():
        assert decoded_samples(frame, name) == expected_samples(column, sent.time_us)


@settings(deadline=None)
@given(frames())
def test_the_publishers_model_reads_what_it_wrote(sent: SensorFrame) -> None:
    assert SensorFrame.decode(sent.encode()) == sent


@settings(max_examples=300, deadline=None)
@given(frames(), st.data())
def test_decoder_and_model_refuse_the_same_bodies(sent: SensorFrame, data: st.DataObject) -> None:
    """Two implementations of one contract: one place of a good body is replaced by anything at all."""
    body = orjson.loads(sent.encode())
    path = data.draw(st.sampled_from(paths(body)))
    text = orjson.dumps(replaced(body, path, data.draw(json_values)))
    try:
        SensorFrame.decode(text)
        refused_by_model = False
    except ContractError:
        refused_by_model = True
    error = refusal(text, sent.key.encode())
    only_the_decoder_knows = {
        *(Reason.KEY_MISMATCH, Reason.TIME_AHEAD),
        *(Reason.UNKNOWN_UNIT, Reason.INCOMPATIBLE_UNIT),
    }
    if error is None or error.reason not in only_the_decoder_knows:
        assert (error is not None) == refused_by_model, error or "only the model refuses it"


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=20), st.sampled_from([("K", 1.0, -273.15), ("Cel", 1.0, 0.0)]))
def test_a_conversion_is_one_multiplication_and_one_addition(
    values: list[float], unit: tuple[str, float, float]
) -> None:
    code, scale, offset = unit
    sent = SensorFrame(
        site="n",
        unit="u",
        device="d",
        epoch=1,
        sequence=1,
        time_us=list(range(len(values))),
        signals={"temperature": SignalColumn(unit=code, values=[float(value) for value in values])},
    )
    (column,) = decode_frame(sent.encode(), b"n/u", NOW_US).columns
    assert column.values.tolist() == [float(value) * scale + offset for value in values]

"""What ingest and watch make of a message: a frame, a tick, or a refusal that says what to do."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pytest

from schemas.decoding import Column, Frame, Tick, decode_frame, decode_message
from schemas.errors import FrameRefused, Reason
from schemas.frame import MAX_AHEAD_US, TICK_BODY
from schemas.status import Status

NOW_US = 1_790_000_010_000_000
KEY = b"north/BR-01"
HOUR_US = 3_600_000_000


def body(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "schema": "sparge.frame/1",
        "site": "north",
        "unit": "BR-01",
        "device": "br01-ctl",
        "epoch": 1_790_000_000_000_000,
        "sequence": 17,
        "time_us": [1_790_000_000_000_000, 1_790_000_001_000_000, 1_790_000_002_000_000],
        "signals": {"DO": {"unit": "%", "values": [39.8, None, 39.1]}},
    }
    return {**fields, **changes}


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in body().items() if field != name}


def signal(name: str = "DO", **entry: Any) -> dict[str, Any]:
    return body(signals={name: {"unit": "%", "values": [1.0, 2.0, 3.0], **entry}})


def decode(content: Any, key: bytes | None = KEY) -> Frame:
    return decode_frame(content if isinstance(content, bytes) else orjson.dumps(content), key, NOW_US)


def only(content: Any) -> Column:
    (column,) = decode(content).columns
    return column


def refused(content: Any, key: bytes | None = KEY) -> FrameRefused:
    with pytest.raises(FrameRefused) as caught:
        decode(content, key)
    return caught.value


class TestAFrame:
    def test_comes_out_as_columns(self) -> None:
        frame = decode(body(edge_us=NOW_US, dropped=[[3, 5]]))
        assert (frame.site, frame.unit, frame.device, frame.key) == (
            "north",
            "BR-01",
            "br01-ctl",
            "north/BR-01",
        )
        assert (frame.epoch, frame.sequence, frame.edge_us) == (1_790_000_000_000_000, 17, NOW_US)
        assert (frame.dropped, dict(frame.sent_units)) == (((3, 5),), {"DO": "%"})
        assert (frame.sample_count, frame.first_us, frame.last_us) == (
            3,
            body()["time_us"][0],
            body()["time_us"][2],
        )

    def test_has_typed_arrays_of_one_length(self) -> None:
        column = only(body())
        arrays = (column.time_us, column.values, column.status)
        assert [one.dtype.name for one in arrays] == ["int64", "float64", "uint32"]
        assert {one.shape for one in arrays} == {(3,)}

    def test_may_only_declare_what_was_dropped(self) -> None:
        frame = decode(body(time_us=[], signals={}, dropped=[[3, 5], [9, 9]]))
        assert (frame.columns, frame.sample_count, frame.first_us, frame.last_us) == ((), 0, None, None)
        assert frame.dropped == ((3, 5), (9, 9))

    def test_may_have_fields_that_this_version_does_not_know(self) -> None:
        assert decode(body(later={"a": [1]})).sample_count == 3
        assert only(signal(uncertainty=[0.1])).values.tolist() == [1.0, 2.0, 3.0]

    def test_may_have_null_for_what_is_optional(self) -> None:
        frame = decode({**signal(at=None, status=None), "edge_us": None, "dropped": None})
        assert (frame.edge_us, frame.dropped, frame.sample_count) == (None, (), 3)

    def test_has_times_that_nobody_changes_by_mistake(self) -> None:
        for content in (signal(), signal(at=[0, 1, 2])):
            with pytest.raises(ValueError, match="read-only"):
                only(content).time_us[0] = 0

    def test_may_have_whole_numbers_for_values(self) -> None:
        assert only(signal(values=[1, 2.5, 2**64 - 1])).values.tolist() == [1.0, 2.5, 2.0**64]


class TestAMissingValue:
    def test_is_bad_and_its_neighbours_are_kept(self) -> None:
        column = only(body())
        np.testing.assert_array_equal(column.values, [39.8, np.nan, 39.1])
        assert column.status.tolist() == [0, Status.BAD, 0]

    def test_keeps_the_bad_status_it_was_sent_with(self) -> None:
        column = only(signal(values=[1, None, 3], status={"at": [1], "codes": [0x808C0000]}))
        assert column.status.tolist() == [0, Status.BAD_SENSOR_FAILURE, 0]

    def test_cannot_be_uncertain(self) -> None:
        error = refused(signal(values=[1, None, 3], status={"at": [1], "codes": [0x40900000]}))
        assert (error.reason, error.where) == (Reason.OUT_OF_RANGE, "signals.DO.values[1]")
        assert "0x40900000 is not Bad" in error.message

    def test_is_found_in_the_column_that_it_is_in(self) -> None:
        two = {"DO": {"unit": "%", "values": [1, 2, 3]}, "pH": {"unit": "[pH]", "values": [None, 7, 7]}}
        first, second = decode(body(signals=two)).columns
        assert (first.status.tolist(), second.status.tolist()) == ([0, 0, 0], [Status.BAD, 0, 0])


class TestAStatus:
    def test_is_good_unless_given(self) -> None:
        column = only(signal(status={"at": [0, 2], "codes": [0x40900000, 0x80000000]}))
        assert column.status.tolist() == [Status.UNCERTAIN_LAST_USABLE_VALUE, 0, Status.BAD]
        assert column.values.tolist() == [1.0, 2.0, 3.0]

    def test_may_be_empty(self) -> None:
        assert only(signal(status={"at": [], "codes": []})).status.tolist() == [0, 0, 0]


class TestASparseSignal:
    def test_has_the_times_that_its_positions_name(self) -> None:
        column = only(signal(values=[7.0, 8.0], at=[0, 2]))
        assert column.time_us.tolist() == [body()["time_us"][0], body()["time_us"][2]]

    def test_bounds_the_span_of_its_frame(self) -> None:
        frame = decode(signal(values=[7.0], at=[1]))
        assert (frame.first_us, frame.last_us) == (body()["time_us"][1],) * 2


class TestUnits:
    def test_of_a_declared_signal_become_canonical(self) -> None:
        frame = decode(signal("temperature", unit="K", values=[310.15, None, 311.15]))
        np.testing.assert_allclose(frame.columns[0].values, [37.0, np.nan, 38.0], rtol=1e-14)
        assert frame.columns[0].unit == "Cel"
        assert dict(frame.sent_units) == {"temperature": "K"}

    def test_of_one_signal_leave_its_neighbour_alone(self) -> None:
        two = {"feed_rate": {"unit": "mL.h-1", "values": [1, 2, 3]}, "DO": {"unit": "%", "values": [1, 2, 3]}}
        feed, oxygen = decode(body(signals=two)).columns
        assert (feed.values.tolist(), oxygen.values.tolist()) == ([0.001, 0.002, 0.003], [1.0, 2.0, 3.0])

    def test_of_an_undeclared_signal_stay_as_sent(self) -> None:
        column = only(signal("slime", unit="cm", values=[1, 2, 3]))
        assert (column.unit, column.values.tolist()) == ("cm", [1.0, 2.0, 3.0])

    def test_that_are_canonical_do_not_touch_a_bit(self) -> None:
        values = [0.1 + 0.2, -0.0, 5e-324]
        assert only(signal(values=values)).values.tobytes() == np.array(values).tobytes()

    def test_that_make_a_value_too_large_refuse_it(self) -> None:
        error = refused(signal(unit="1", values=[1, 1e308, 2]))
        assert (error.reason, error.where) == (Reason.OUT_OF_RANGE, "signals.DO.values[1]")


class TestATick:
    def test_is_told_from_a_frame(self) -> None:
        assert decode_message(TICK_BODY, None, NOW_US) == Tick()
        assert decode_message(b' {"schema": "sparge.tick/1", "more": 1}', b"any", NOW_US) == Tick()
        assert isinstance(decode_message(orjson.dumps(body()), KEY, NOW_US), Frame)

    def test_is_not_a_frame(self) -> None:
        assert refused(TICK_BODY).reason == Reason.UNKNOWN_VERSION


class TestBadInput:
    """The list of bad inputs that plants and foreign producers send."""

    @pytest.mark.parametrize(
        "text",
        [b"pH: 6.98", b'{"schema":', b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":"\\ud800"}'],
    )
    def test_that_is_not_json(self, text: bytes) -> None:
        assert refused(text).reason == Reason.NOT_JSON

    @pytest.mark.parametrize("content", [[], "frame", 5, None, True])
    def test_that_is_not_an_object(self, content: Any) -> None:
        assert refused(orjson.dumps(content)).reason == Reason.NOT_AN_OBJECT

    @pytest.mark.parametrize("text", [None, b""])
    def test_that_has_no_body(self, text: bytes | None) -> None:
        with pytest.raises(FrameRefused) as caught:
            decode_frame(text, KEY, NOW_US)
        assert caught.value.reason == Reason.EMPTY

    @pytest.mark.parametrize(
        "name", ["schema", "site", "unit", "device", "epoch", "sequence", "time_us", "signals"]
    )
    def test_that_lacks_a_field(self, name: str) -> None:
        error = refused(without(name))
        assert (error.reason, error.where) == (Reason.MISSING_FIELD, name)

    @pytest.mark.parametrize("name", ["unit", "values"])
    def test_that_lacks_a_field_of_a_signal(self, name: str) -> None:
        entry = {"unit": "%", "values": [1, 2, 3]}
        del entry[name]
        error = refused(body(signals={"DO": entry}))
        assert (error.reason, error.where) == (Reason.MISSING_FIELD, f"signals.DO.{name}")

    @pytest.mark.parametrize("name", ["at", "codes"])
    def test_that_lacks_a_field_of_a_status(self, name: str) -> None:
        status = {"at": [1], "codes": [5]}
        del status[name]
        error = refused(signal(status=status))
        assert (error.reason, error.where) == (Reason.MISSING_FIELD, f"signals.DO.status.{name}")

    @pytest.mark.parametrize(
        ("entry", "where"),
        [
            ({"values": [1, 2]}, "signals.DO.values"),
            ({"values": [1, 2, 3, 4]}, "signals.DO.values"),
            ({"at": [0, 1]}, "signals.DO.at"),
            ({"status": {"at": [0, 1], "codes": [5]}}, "signals.DO.status.at"),
        ],
    )
    def test_with_ragged_columns(self, entry: Mapping[str, Any], where: str) -> None:
        error = refused(signal(**entry))
        assert (error.reason, error.where) == (Reason.RAGGED, where)

    @pytest.mark.parametrize("name", ["DO", "slime"])
    def test_with_an_unknown_unit(self, name: str) -> None:
        error = refused(signal(name, unit="rpm"))
        assert (error.reason, error.where) == (Reason.UNKNOWN_UNIT, f"signals.{name}.unit")
        assert "{#}.min-1" in error.message

    def test_with_a_unit_of_another_quantity(self) -> None:
        error = refused(signal("temperature", unit="g"))
        assert (error.reason, error.where) == (Reason.INCOMPATIBLE_UNIT, "signals.temperature.unit")

    @pytest.mark.parametrize("key", [None, b"", b"north/BR-02", b"BR-01", b"north/BR-01\n", b"\xff"])
    def test_with_a_key_that_does_not_match_the_body(self, key: bytes | None) -> None:
        error = refused(body(), key)
        assert (error.reason, error.where) == (Reason.KEY_MISMATCH, "key")
        assert "Send it with the key north/BR-01" in error.message

    def test_of_300_kib_is_refused_before_it_is_parsed(self) -> None:
        error = refused(b"x" * 300 * 1024)
        assert error.reason == Reason.TOO_LARGE
        assert "307200 bytes; 262144 are allowed" in error.message

    def test_with_a_time_two_days_ahead(self) -> None:
        error = refused(body(time_us=[NOW_US, NOW_US + 1, NOW_US + 48 * HOUR_US]))
        assert (error.reason, error.where) == (Reason.TIME_AHEAD, "time_us[2]")
        assert "48.0 h ahead" in error.message

    def test_with_an_edge_time_two_days_ahead(self) -> None:
        error = refused(body(edge_us=NOW_US + 48 * HOUR_US))
        assert (error.reason, error.where) == (Reason.TIME_AHEAD, "edge_us")

    def test_a_time_24_hours_ahead_is_still_taken(self) -> None:
        assert only(body(time_us=[1, 2, NOW_US + MAX_AHEAD_US])).time_us[2] == NOW_US + MAX_AHEAD_US
        assert refused(body(time_us=[1, 2, NOW_US + MAX_AHEAD_US + 1])).where == "time_us[2]"

    @pytest.mark.parametrize(
        "schema", ["sparge.frame/2", "sparge.frame", "other/1", 1, None, ["sparge.frame/1"]]
    )
    def test_of_an_unknown_version(self, schema: Any) -> None:
        error = refused(body(schema=schema))
        assert (error.reason, error.where) == (Reason.UNKNOWN_VERSION, "schema")

    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (body(time_us=[]), "time_us"),
            (body(signals={}), "signals"),
            (body(time_us=[], signals={}, dropped=[]), "time_us"),
            (signal(values=[], at=[]), "signals.DO.values"),
        ],
    )
    def test_without_samples(self, content: Any, where: str) -> None:
        error = refused(content)
        assert (error.reason, error.where) == (Reason.EMPTY, where)

    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (body(site=1), "site"),
            (body(unit=None), "unit"),
            (body(device=["a"]), "device"),
            (body(epoch="1"), "epoch"),
            (body(epoch=1.0), "epoch"),
            (body(sequence=True), "sequence"),
            (body(edge_us="now"), "edge_us"),
            (body(time_us=5), "time_us"),
            (body(time_us=[1, 2.0, 3]), "time_us[1]"),
            (body(time_us=[1, True, 3]), "time_us[1]"),
            (body(time_us=[1, None, 3]), "time_us[1]"),
            (body(signals=[]), "signals"),
            (body(signals={"DO": []}), "signals.DO"),
            (signal(unit=5), "signals.DO.unit"),
            (signal(values="123"), "signals.DO.values"),
            (signal(values=[1, "2", 3]), "signals.DO.values[1]"),
            (signal(values=[1, 2, True]), "signals.DO.values[2]"),
            (signal(values=[None, 2, False]), "signals.DO.values[2]"),
            (signal(values=[1, [2], 3]), "signals.DO.values[1]"),
            (signal(values=[1, {}, 3]), "signals.DO.values[1]"),
            (signal(at=5), "signals.DO.at"),
            (signal(at=[0, "1", 2]), "signals.DO.at[1]"),
            (signal(status=[]), "signals.DO.status"),
            (signal(status={"at": [0], "codes": [5.0]}), "signals.DO.status.codes[0]"),
            (signal(status={"at": "0", "codes": [5]}), "signals.DO.status.at"),
            (body(dropped={}), "dropped"),
            (body(dropped=[[1, 2], 3]), "dropped[1]"),
            (body(dropped=[[1]]), "dropped[0]"),
            (body(dropped=[[1, True]]), "dropped[0]"),
        ],
    )
    def test_of_the_wrong_type(self, content: Any, where: str) -> None:
        error = refused(content)
        assert (error.reason, error.where) == (Reason.WRONG_TYPE, where)

    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (body(site="north/east"), "site"),
            (body(unit=""), "unit"),
            (body(device="-ctl"), "device"),
            (body(device="ctl\n"), "device"),
            (body(device="d" * 65), "device"),
            (body(epoch=-1), "epoch"),
            (body(sequence=2**63), "sequence"),
            (body(edge_us=-1), "edge_us"),
            (body(time_us=[-1, 2, 3]), "time_us[0]"),
            (body(time_us=[1, 1, 3]), "time_us[1]"),
            (body(time_us=[1, 3, 2]), "time_us[2]"),
            (body(time_us=[1, 2, 2**63]), "time_us[2]"),
            (body(signals={"D/O": {"unit": "%", "values": [1, 2, 3]}}), "signals"),
            (signal(at=[0, 1, 3]), "signals.DO.at"),
            (signal(at=[-1, 1, 2]), "signals.DO.at"),
            (signal(at=[0, 0, 1]), "signals.DO.at[1]"),
            (signal(status={"at": [3], "codes": [5]}), "signals.DO.status.at"),
            (signal(status={"at": [0], "codes": [0]}), "signals.DO.status.codes[0]"),
            (signal(status={"at": [0, 1], "codes": [5, 2**32]}), "signals.DO.status.codes[1]"),
            (signal(status={"at": [0, 1], "codes": [5, 2**64 - 1]}), "signals.DO.status.codes[1]"),
            (body(dropped=[[5, 3]]), "dropped[0]"),
            (body(dropped=[[-1, 3]]), "dropped[0]"),
        ],
    )
    def test_out_of_range(self, content: Any, where: str) -> None:
        error = refused(content)
        assert (error.reason, error.where) == (Reason.OUT_OF_RANGE, where)

    def test_is_named_in_the_signal_and_position_where_it_is(self) -> None:
        many = {f"x{number}": {"unit": "1", "values": [1, 2, 3]} for number in range(5)}
        many["x3"]["values"] = [1, 2, "three"]
        assert refused(body(signals=many)).where == "signals.x3.values[2]"

    def test_that_is_huge_is_shown_shortened(self) -> None:
        assert len(refused(body(device="d" * 100_000)).message) < 300
        assert len(refused(signal(unit="d" * 100_000)).message) < 400

"""A DASware export is read to the sample, whatever its tracks and order; a bad one is refused by line."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import decode_frame
from schemas.errors import ImportRefused, SettingsError
from schemas.frame import MAX_FRAME_BYTES, SensorFrame
from streams.importers import Import, dasgip, detect, read
from tests.unit.importers.export import BEGIN, BERLIN, END, INFO, export, options, row, simple, table

Write = Callable[[str], Path]
BEGIN_US = int(BEGIN.replace(tzinfo=BERLIN).timestamp()) * 1_000_000
MINUTE_US = 60_000_000


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, encoding: str = "latin-1") -> Path:
        path = tmp_path / "run.Control.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return written


def _values(found: Import, unit: str = "unit-1") -> dict[str, list[tuple[int, float]]]:
    """Samples by signal as minutes from the beginning and value."""
    (samples,) = (each for each in found.units if each.unit == unit)
    gathered: dict[str, list[tuple[int, float]]] = {}
    for time_us, values in zip(samples.time_us, samples.rows, strict=True):
        for name, value in values.items():
            gathered.setdefault(name, []).append(((time_us - BEGIN_US) // MINUTE_US, value))
    return gathered


def test_an_empty_cell_is_no_sample(write: Write) -> None:
    text = simple({"Unit 1.pH1.PV [pH]": [" 6.9", '""', " 7"], "Unit 1.OTR1 [mM/h]": ['""', " 45.304", ""]})
    found = read(write(text), options())
    assert _values(found) == {"pH": [(1, 6.9), (3, 7.0)], "OTR": [(2, 45.304)]}
    assert found.total == 3
    assert (found.first_us, found.last_us) == (BEGIN_US + MINUTE_US, BEGIN_US + 3 * MINUTE_US)


def test_units_of_the_vendor_become_ucum(write: Write) -> None:
    spelt = {
        "OTR1": "mM/h",
        "F1.PV": "sL/h",
        "N1.PV": "rpm",
        "DO1.PV": "%DO",
        "T1.PV": "°C",
        "Level1.PV": "µS",
    }
    text = simple({f"Unit 1.{track} [{unit}]": [" 1"] for track, unit in spelt.items()})
    assert read(write(text), options()).units[0].units == {
        "OTR": "mmol.L-1.h-1",
        "gas_flow": "L.h-1",
        "agitation": "{#}.min-1",
        "DO": "%",
        "temperature": "Cel",
        "level": "uS",
    }


def _written(value: float, style: str) -> str:
    """A number as DASware writes it: a space for a missing sign, no leading zero, a capital E."""
    text = style % value
    if "e" in text:
        text = text.replace("e", "E")
    text = text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
    return text if text.startswith("-") else f" {text}"


@given(
    # Rounded to fewer digits, the very largest would be larger than any float; that is another test.
    value=st.floats(-1e300, 1e300),
    style=st.sampled_from(["%r", "%.15g", "%.3f", "%.14e"]),
)
def test_a_number_is_the_float_nearest_to_its_text(value: float, style: str) -> None:
    text = _written(value, style)
    found = dasgip._import("x", simple({"Unit 1.OTR1 [mM/h]": [text]}).encode("latin-1"), options())
    ((_, read_back),) = _values(found)["OTR"]
    assert struct.pack("d", read_back) == struct.pack("d", float(text))
    (frame,) = found.frames()
    decoded = decode_frame(frame.encode(), b"lab/unit-1", BEGIN_US + MINUTE_US)
    assert struct.pack("d", decoded.columns[0].values[0]) == struct.pack("d", float(text))


@pytest.mark.parametrize(
    ("text", "value"), [(" .4", 0.4), ("-.002", -0.002), (" 6.94E-04", 6.94e-4), ("12.", 12.0)]
)
def test_the_vendor_s_ways_to_write_a_number_are_understood(write: Write, text: str, value: float) -> None:
    assert _values(read(write(simple({"Unit 1.OTR1 [mM/h]": [text]})), options()))["OTR"] == [(1, value)]


def test_times_and_words_are_not_numbers_and_are_noted(write: Write) -> None:
    text = simple(
        {
            "Unit 1.Inoculation Time []": ["1899-12-30 00:00:00", "1899-12-30 20:48:53"],
            "Unit 1.pH1.PV [pH]": [" 7", '"off"'],
        }
    )
    found = read(write(text), options())
    assert found.total == 1
    assert [note.split(":")[0] for note in found.notes] == [
        "Unit 1.Inoculation Time []",
        "Unit 1.pH1.PV [pH]",
    ]


def test_several_bioreactors_in_any_order_of_tracks_keep_apart(write: Write) -> None:
    first = table(["Unit 1.DO1.PV [%DO]", "Unit 1.pH1.PV [pH]"], [row(1, " 40", " 7"), row(2, " 41", "")])
    second = table(["Unit 4.pH4.PV [pH]", "Unit 4.DO4.PV [%DO]"], [row(1.5, " 6.8", " 30")], "2")
    found = read(write(export(first, second)), options(unit_prefix="BR-0"))
    assert [(each.unit, each.total) for each in found.units] == [("BR-01", 3), ("BR-04", 2)]
    assert _values(found, "BR-04") == {"pH": [(1, 6.8)], "DO": [(1, 30.0)]}


def test_one_table_may_hold_several_bioreactors(write: Write) -> None:
    both = table(["Unit 1.DO1.PV [%DO]", "Unit 2.DO2.PV [%DO]"], [row(1, " 40", ""), row(2, "", " 30")], "")
    found = read(write(export(both)), options())
    assert _values(found) == {"DO": [(1, 40.0)]}
    assert _values(found, "unit-2") == {"DO": [(2, 30.0)]}


def test_a_track_of_no_bioreactor_belongs_to_that_of_its_table_or_to_the_plant(write: Write) -> None:
    text = export(table(["pH1.PV [pH]"], [row(1, " 7")], "3"), table(["Room.T [°C]"], [row(1, " 21")], ""))
    found = read(write(text), options())
    assert [(each.unit, dict(each.tracks)) for each in found.units] == [
        ("unit-3", {"pH1": "pH1.PV"}),
        ("unit-main", {"Room.T": "Room.T"}),
    ]


def test_time_columns_may_stand_anywhere_and_duration_may_lack(write: Write) -> None:
    text = INFO + '"[TrackData1]"\n"Unit 1.pH1.PV [pH]";"Timestamp"\n 7;2024-05-06 08:01:00\n'
    assert _values(read(write(text), options())) == {"pH": [(1, 7.0)]}


def test_quoted_times_and_line_ends_of_windows_are_understood(write: Write) -> None:
    text = simple({"Unit 1.pH1.PV [pH]": [" 7"]}).replace("2024-05-06 08:01:00", '"2024-05-06 08:01:00.250"')
    found = read(write(text.replace("\n", "\r\n")), options())
    assert found.units[0].time_us == [BEGIN_US + MINUTE_US + 250_000]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_is_seen_from_the_bytes(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(simple({"Unit 1.T1.PV [°C]": [" 37"]}).encode(encoding))
    assert detect(path).name == "dasgip"
    assert read(path, options()).units[0].units == {"temperature": "Cel"}


def test_a_heading_without_a_unit_takes_that_of_the_track_list(write: Write) -> None:
    tracks = '"[TrackInfo]"\n"ProjName";"LocNamePar";"Unit"\n"Track1";"Unit 1.pH1.PV";"pH"\n\n'
    text = export(table(["Unit 1.pH1.PV"], [row(1, " 7")]), info=INFO + tracks)
    assert read(write(text), options()).units[0].units == {"pH": "[pH]"}


def test_frames_carry_every_sample_once_in_order_and_say_who_sent_them(write: Write) -> None:
    count = 1203
    text = simple(
        {
            "Unit 1.pH1.PV [pH]": [f" {number}E-3" for number in range(count)],
            "Unit 1.OTR1 [mM/h]": ["" if number % 7 else f" {number}.5" for number in range(count)],
        }
    )
    found = read(write(text), options())
    frames = list(found.frames())
    assert [len(frame.time_us) for frame in frames] == [500, 500, 203]
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert {(frame.site, frame.unit, frame.device, frame.epoch) for frame in frames} == {
        ("lab", "unit-1", found.device, found.epoch)
    }
    assert found.device.startswith("dasgip-")
    carried: dict[str, list[tuple[int, float]]] = {}
    for frame in frames:
        decoded = decode_frame(frame.encode(), frame.key.encode(), found.last_us)
        for column in decoded.columns:
            times = ((column.time_us - BEGIN_US) // MINUTE_US).tolist()
            carried.setdefault(column.name, []).extend(zip(times, column.values.tolist(), strict=True))
    assert carried == _values(found)


def test_no_frame_is_larger_than_a_frame_may_be(write: Write) -> None:
    heads = {
        f"Unit 1.Long track number {number} of many1 [mM/h]": [" 1.23456789012345E-101"] * 600
        for number in range(60)
    }
    found = read(write(simple(heads)), options())
    frames = list(found.frames())
    assert (
        sum(len(column.values) for frame in frames for column in frame.signals.values())
        == found.total
        == 36_000
    )
    assert max(len(frame.encode()) for frame in frames) <= MAX_FRAME_BYTES


def test_frames_of_several_bioreactors_come_by_time(write: Write) -> None:
    early = table(["Unit 2.pH2.PV [pH]"], [row(minute, " 7") for minute in range(1, 1100)], "2")
    late = table(["Unit 1.pH1.PV [pH]"], [row(minute, " 7") for minute in range(600, 1700)])
    firsts = [frame.time_us[0] for frame in read(write(export(late, early)), options()).frames()]
    assert firsts == sorted(firsts)


def _identities(found: Import) -> list[tuple[str, str, int, int]]:
    return [(frame.unit, frame.device, frame.epoch, frame.sequence) for frame in found.frames()]


def test_the_same_import_again_has_the_same_identities_and_any_other_import_others(write: Write) -> None:
    path = write(simple({"Unit 1.pH1.PV [pH]": [" 7"], "Unit 1.X1 []": [" 1"], "Unit 1.Y1 []": [" 2"]}))
    base = _identities(read(path, options()))
    assert _identities(read(path, options())) == base
    others = [
        options(zone=ZoneInfo("America/New_York")),
        options(now_us=2_000_000_000_000_000),
        options(signal_map={"X": "Y", "Y": "X"}),
        options(unit_map={"": "%"}),
    ]
    epochs = [read(path, each).epoch for each in others]
    assert len({base[0][2], *epochs}) == len(others) + 1
    assert all(0 <= epoch < 2**63 for epoch in epochs)


def test_as_live_the_last_sample_is_now_and_distances_stay(write: Write) -> None:
    now_us = 1_790_000_000_000_000
    path = write(simple({"Unit 1.pH1.PV [pH]": [" 7", "", " 7.1"], "Unit 1.Z1 []": ["", "", ""]}))
    found = read(path, options(now_us=now_us))
    (frame,) = found.frames()
    assert frame.time_us == [now_us - 2 * MINUTE_US, now_us]
    assert (found.first_us, found.last_us) == (frame.time_us[0], now_us)


def test_local_times_of_autumn_go_by_the_duration(write: Write) -> None:
    begin = datetime(2024, 10, 26, 23, 0, tzinfo=UTC)
    rows = []
    for minute in range(0, 240, 20):
        local = (begin + timedelta(minutes=minute)).astimezone(BERLIN).replace(tzinfo=None, fold=0)
        rows.append(f"{local}; {minute / 1440:.15g}; {minute}")
    found = read(write(export(table(["Unit 1.OTR1 [mM/h]"], rows))), options())
    begin_us = int(begin.timestamp()) * 1_000_000
    assert found.units[0].time_us == [begin_us + minute * MINUTE_US for minute in range(0, 240, 20)]


def test_a_clock_that_is_set_back_a_little_loses_no_sample(write: Write) -> None:
    rows = [row(1, " 7"), row(2, " 7.1"), row(1.99, " 7.2"), row(3, " 7.3")]
    found = read(write(export(table(["Unit 1.pH1.PV [pH]"], rows))), options())
    frames = list(found.frames())
    assert sum(len(frame.signals["pH"].values) for frame in frames) == 4
    assert [frame.sequence for frame in frames] == [0, 1]


GOOD = simple({"Unit 1.pH1.PV [pH]": [" 7", " 7.1"], "Unit 1.DO1.PV [%DO]": [" 40", " 41"]})


EXPORT = "export the run again"
BAD = {
    "empty": ("", "line 1: not a DASware export", EXPORT),
    "other": ("time,pH\n1,7\n", "line 1: not a DASware export", EXPORT),
    "foreword": ("hello\n" + GOOD, "line 1: not a DASware export", EXPORT),
    "spreadsheet": ("[Info];;;;\nProduct;;;;\n", "saved by a spreadsheet", EXPORT),
    "no tracks": (INFO + END, "no numbers of any track", "with its track data"),
    "short row": (
        GOOD.replace(" 7.1; 41", " 7.1"),
        "line 11: 3 columns where [TrackData1] has 4",
        EXPORT,
    ),
    "long row": (
        GOOD.replace(" 7.1; 41", " 7.1; 41; 5"),
        "line 11: 5 columns where [TrackData1] has 4",
        EXPORT,
    ),
    "cut off": (GOOD[: GOOD.index(" 41") + 2], "line 11: the file ends in the middle of this row", EXPORT),
    "decimal comma": (
        GOOD.replace(" 7.1", " 7,1"),
        "line 11: Unit 1.pH1.PV [pH]: '7,1' is not a number, perhaps because",
        EXPORT,
    ),
    "two points": (GOOD.replace(" 7.1", " 7.1.2"), "line 11: Unit 1.pH1.PV [pH]: '7.1.2' is not", EXPORT),
    "infinite": (GOOD.replace(" 7.1", " 7E999"), "line 11: Unit 1.pH1.PV [pH]: 7E999 is larger", EXPORT),
    "german time": (GOOD.replace("2024-05-06 08:02", "06.05.2024 08:02"), "line 11: '06.05.2024", EXPORT),
    "month 13": (GOOD.replace("2024-05-06 08:02", "2024-13-06 08:02"), "line 11: '2024-13-06", EXPORT),
    "duration": (GOOD.replace("; 0.00138", ";x0.00138"), "is not a number of days", EXPORT),
    "no times": (
        GOOD.replace('"Timestamp"', '"Zeit"'),
        "line 9: the table [TrackData1] has no column Timestamp",
        EXPORT,
    ),
    "gap of spring": (
        GOOD.replace("2024-05-06 08:01", "2024-03-31 02:30"),
        "line 10: 2024-03-31 02:30:00 never was",
        "--zone",
    ),
    "clock": (GOOD.replace("08:02:00", "09:02:00"), "line 11: by the clock (2024-05-06 09:02:00", "--zone"),
    "unit": (
        GOOD.replace("[pH]", "[foo]"),
        "line 9: units that are not known here: Unit 1.pH1.PV [foo]",
        "--unit-of 'foo=UCUM'",
    ),
    "quantity": (
        GOOD.replace("[pH]", "[bar]"),
        "line 9: Unit 1.pH1.PV would be the signal pH, but bar does not measure that",
        "--name-of 'Unit 1.pH1.PV=NAME'",
    ),
    "one name twice": (
        GOOD.replace("DO1.PV [%DO]", "V1.PV [mL]").replace("pH1.PV [pH]", "V1.VPV [mL]"),
        "line 9: Unit 1.V1.VPV and Unit 1.V1.PV would both be the signal volume",
        "--name-of 'Unit 1.V1.PV=NAME'",
    ),
    "no heading": (
        GOOD.replace('"Unit 1.pH1.PV [pH]"', '""'),
        "line 9: column 3 has numbers but no heading",
        EXPORT,
    ),
    "control character": (
        GOOD.replace(" 7.1", " 7\x00"),
        "line 11: the character '\\x00' is not text",
        EXPORT,
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_the_line_and_what_to_do(write: Write, case: str) -> None:
    text, says, do = BAD[case]
    with pytest.raises(ImportRefused) as refused:
        dasgip.read(write(text), options())
    assert refused.value.message.startswith("run.Control.csv, line ")
    assert says in refused.value.message
    assert do in refused.value.next_step
    assert refused.value.kept == "Nothing was sent."


def test_unknown_units_are_all_named_at_once_and_can_be_given(write: Write) -> None:
    path = write(
        simple(
            {
                "Unit 1.A1 [foo]": [" 1"],
                "Unit 1.B1 [bar/h]": [" 2"],
                "Unit 1.C1 [baz]": [
                    "",
                ][:1],
            }
        )
    )
    with pytest.raises(ImportRefused, match=r"Unit 1.A1 \[foo\], Unit 1.B1 \[bar/h\]\.") as refused:
        read(path, options())
    assert (
        refused.value.next_step == "give the UCUM code of each: --unit-of 'foo=UCUM' --unit-of 'bar/h=UCUM'"
    )
    found = read(path, options(unit_map={"foo": "g.L-1", "bar/h": "bar.h-1"}))
    assert found.units[0].units == {"A": "g.L-1", "B": "bar.h-1"}


def test_a_given_unit_that_is_none_is_refused(write: Write) -> None:
    path = write(simple({"Unit 1.A1 [foo]": [" 1"]}))
    with pytest.raises(ImportRefused, match="furlongs is not a UCUM code"):
        read(path, options(unit_map={"foo": "furlongs"}))


def test_a_track_can_be_given_another_name(write: Write) -> None:
    path = write(simple({"Unit 1.FA1.PV [mL/h]": [" 1"], "Unit 1.FB1.PV [mL/h]": [" 2"]}))
    found = read(path, options(signal_map={"FA.PV": "feed_rate", "Unit 1.FB1.PV": "base_rate"}))
    assert found.units[0].units == {"feed_rate": "mL.h-1", "base_rate": "mL.h-1"}


def test_a_file_that_does_not_close_is_imported_with_a_warning(write: Write) -> None:
    closed, open_ended = read(write(GOOD), options()), read(write(GOOD.replace(END, "")), options())
    assert closed.notes == ()
    assert "may have been cut off" in open_ended.notes[0]
    assert open_ended.total == closed.total == 4


def test_a_letter_that_looks_like_a_line_end_in_latin_1_does_not_end_a_line(write: Write) -> None:
    text = simple({"Unit 1.Note\x85here1 []": [" 1"], "Unit 1.pH1.PV [pH]": [" 7"]})
    assert read(write(text), options()).total == 2


def test_a_file_that_cannot_be_read_or_is_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="cannot be read"):
        read(tmp_path / "absent.csv", options())
    with pytest.raises(ImportRefused, match="cannot be read"):
        dasgip.read(tmp_path, options())
    (tmp_path / "x.csv").write_text("a;b\n1;2\n")
    with pytest.raises(
        ImportRefused, match=r"no kind that can be imported. Known kinds: dasgip \(DASware export\)"
    ):
        read(tmp_path / "x.csv", options())
    with pytest.raises(ImportRefused, match="There is no importer 'senck'"):
        read(tmp_path / "x.csv", options(), "senck")


@pytest.mark.parametrize("wrong", [{"site": "my lab"}, {"unit_prefix": "ü"}, {"signal_map": {"X": "a b"}}])
def test_names_that_frames_cannot_carry_are_refused_before_reading(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="is no name"):
        options(**wrong)


@given(noise=st.binary(max_size=300), at=st.integers(0, len(GOOD)))
def test_a_damaged_file_is_imported_or_refused_but_never_crashes(noise: bytes, at: int) -> None:
    body = GOOD.encode()
    try:
        found = dasgip._import("x", body[:at] + noise + body[at + len(noise) :], options())
    except ImportRefused:
        return
    for frame in found.frames():
        assert isinstance(SensorFrame.decode(frame.encode()), SensorFrame)

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.plant import parse_plant
from storage.plant import apply_plant
from tests.integration.storage.frames import FRAMES, column, stored

if TYPE_CHECKING:
    from storage.store import Store
    from tests.integration.storage.frames import Rows

FILE = """
sites:
  north:
    BR-01:
      area: upstream
      vessel: {total_l: 2.8, working_l: 2.0, diameter_m: 0.13, impeller: rushton, impellers: 2}
    BR-09: {}
"""
SHOWN = "SELECT unit, area, total_l, working_l, impeller, impellers, baffles FROM sparge.units ORDER BY unit"


def test_a_plant_file_describes_units_once_and_leaves_the_others(
    store: Store, store_database: str, rows: Rows
) -> None:
    with store.transaction("ingest", [(FRAMES, 0)]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0])]), stored([column("DO", [1.0])], unit="BR-05")])
    assert apply_plant(store_database, parse_plant(FILE)) == ["north/BR-01"]
    assert apply_plant(store_database, parse_plant(FILE)) == []
    assert rows(SHOWN) == [
        ("BR-01", "upstream", 2.8, 2.0, "rushton", 2, None),
        ("BR-05", None, None, None, None, None, None),
        ("BR-09", None, None, None, None, None, None),
    ]
    assert rows("SELECT what, detail FROM sparge.audit") == [("plant applied", {"units": ["north/BR-01"]})]


def test_a_changed_file_changes_the_unit_and_a_vessel_that_is_gone_is_removed(
    store_database: str, rows: Rows
) -> None:
    apply_plant(store_database, parse_plant(FILE))
    assert apply_plant(store_database, parse_plant(FILE.replace("2.8", "3.2"))) == ["north/BR-01"]
    assert rows(SHOWN)[0][2] == 3.2
    bare = parse_plant("sites: {north: {BR-01: {area: downstream}}}")
    assert apply_plant(store_database, bare) == ["north/BR-01"]
    assert rows(SHOWN)[0][:3] == ("BR-01", "downstream", None)

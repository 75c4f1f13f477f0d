from __future__ import annotations

import pytest

from schemas.errors import ContractError
from schemas.plant import parse_plant

FILE = """
sites:
  north:
    BR-02: {area: upstream}
    BR-01:
      vessel: {total_l: 2.8, working_l: 2.0, diameter_m: 0.13, impeller_diameter_m: 0.053, impellers: 2}
"""


def test_units_come_in_order_with_what_is_said_of_them() -> None:
    first, second = parse_plant(FILE).units()
    assert (first[0], first[1], second[1]) == ("north", "BR-01", "BR-02")
    assert first[2].vessel is not None
    assert first[2].vessel.working_l == 2.0
    assert (second[2].area, second[2].vessel) == ("upstream", None)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("working_l: 2.0", "working_l: 3.0", "more than total_l"),
        ("impeller_diameter_m: 0.053", "impeller_diameter_m: 0.2", "not smaller than the vessel"),
        ("total_l: 2.8", "total_l: -1", "north.BR-01.vessel.total_l"),
        ("total_l", "total_litres", "total_l"),
        ("BR-02", "BR 02", "BR 02"),
        ("sites:", "sites: [", "not YAML"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(before: str, after: str, complaint: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_plant(FILE.replace(before, after))
    assert complaint in caught.value.message

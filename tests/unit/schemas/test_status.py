"""The severity of an OPC UA status code is in its two top bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.status import Severity, Status, severity, severity_of


@pytest.mark.parametrize("status", Status, ids=lambda status: status.name)
def test_the_name_of_a_code_begins_with_its_severity(status: Status) -> None:
    assert status.name.split("_")[0] == severity_of(status).name


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_severity_of_an_array_is_that_of_each_code(codes: list[int]) -> None:
    found = severity(np.array(codes, dtype=np.uint32))
    assert found.tolist() == [severity_of(code) for code in codes]


def test_the_reserved_severity_is_read_as_bad() -> None:
    assert severity_of(0xC0000000) is Severity.BAD

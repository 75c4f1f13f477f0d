from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparge import redact

SECRET = "s3cr#t-Zq"


@pytest.mark.parametrize(
    ("conninfo", "shown"),
    [
        (
            "postgresql://ada:s3cr@host:5432/plant?sslmode=require",
            "postgresql://ada@host:5432/plant?sslmode=require",
        ),
        ("postgresql://host/plant", "postgresql://host/plant"),
        ("postgresql:///plant?host=/run&password=s3cr", "postgresql:///plant?host=/run"),
        ("host=h dbname=plant password=s3cr user=ada", "host=h dbname=plant user=ada"),
        (r"host=h password='it\'s here' user=ada", "host=h user=ada"),
        ("password = s3cr host=h", "host=h"),
    ],
)
def test_an_address_is_shown_without_its_password(conninfo: str, shown: str) -> None:
    assert redact.database(conninfo) == shown


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12))
def test_no_password_ever_shows(noise: str) -> None:
    password = noise + SECRET
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    assert SECRET not in redact.database(f"host=h password='{quoted}' user=ada")
    assert SECRET not in redact.database(f"postgresql://ada:{quote(password, safe='')}@h/plant")
    assert SECRET not in redact.database(f"postgresql://h/plant?user=ada&password={quote(password, safe='')}")

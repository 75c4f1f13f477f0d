"""A name that the dictionary has not is answered with those that may be meant."""

from __future__ import annotations

import pytest

from sparge.commands.publish import _meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("pO2", ["DO"]),
        ("Stirrer", ["agitation"]),
        ("BASET", ["base_total"]),
        ("do", ["DO"]),
        ("temperatur", ["temperature"]),
        ("lactat", ["lactate", "acetate"]),
        ("zzz", []),
    ],
)
def test_vendors_and_peoples_words_go_before_similar_names(said: str, meant: list[str]) -> None:
    assert sorted(_meant(said)) == sorted(meant)

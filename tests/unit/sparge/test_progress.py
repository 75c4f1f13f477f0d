"""Long work says how far it is, and not too often."""

from __future__ import annotations

from sparge.progress import EVERY_S, Progress


def test_what_begins_is_said_at_once_and_how_far_it_is_every_few_seconds() -> None:
    said: list[str] = []
    now_s = [0.0]
    progress = Progress(said.append, lambda: now_s[0])
    progress.begin("reading")
    for done in range(1, 2049):
        now_s[0] += EVERY_S / 512
        progress.reach("records judged", done, 2048)
    assert said[0] == "reading"
    assert said[1] == "records judged: 512 of 2,048"
    assert len(said) == 5

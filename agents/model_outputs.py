"""What the models of a unit said of a frame, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.score import Contribution, Score, ScoreMessage, UnitScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.alarms.annunciator import Moment
    from agents.models import step
    from agents.models.unit_models import Said
    from agents.models.worst import Scores

MOST_NAMED = 5
"""Signals that a score of the unit names, those that contributed most;"""

NAMED_FROM = 2.0
"""and only where it is at least this unlikely: of what is usual nobody asks who contributed."""


def score_messages(
    whose: tuple[str, str], names: Sequence[str], said: Sequence[Said], moment: Moment
) -> list[ScoreMessage]:
    """Return one message a model that had something to say; whose: site and unit; names: signals by slot."""
    site, unit = whose
    return [
        ScoreMessage(
            source=moment.at(),
            site=site,
            unit=unit,
            now_us=moment.now_us,
            model=one.choice.recipe.ref,
            layer=one.choice.kind,
            role=one.choice.role,
            scores=_scores(one.scores, names) if one.scores is not None else [],
            unit_scores=[_unit_score(end_us, score, names) for end_us, score in one.unit] or None,
        )
        for one in said
    ]


def _scores(scores: Scores, names: Sequence[str]) -> list[Score]:
    columns = (
        scores.slots,
        scores.time_us,
        scores.value,
        scores.expected,
        scores.score,
        scores.suspect,
        scores.learned,
    )
    return [
        Score(
            signal=names[slot],
            time_us=time_us,
            value=value,
            expected=expected,
            score=score,
            suspect=suspect,
            learned=learned,
        )
        for slot, time_us, value, expected, score, suspect, learned in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _unit_score(end_us: int, score: step.UnitScore, names: Sequence[str]) -> UnitScore:
    named: list[Contribution] = []
    if score.suspect or score.score >= NAMED_FROM:
        shares = score.contributions
        most = np.argsort(-shares, kind="stable")[:MOST_NAMED].tolist()
        named = [
            Contribution(signal=names[slot], share=min(float(shares[slot]), 1.0))
            for slot in most
            if shares[slot] > 0.0
        ]
    return UnitScore(
        time_us=end_us,
        score=float(score.score),
        suspect=bool(score.suspect),
        learned=bool(score.learned),
        contributions=named,
        reason=score.reason or None,
    )

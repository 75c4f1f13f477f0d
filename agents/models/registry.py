"""Which model speaks for a unit: champions and challengers by context, from what was said of them.

Pure. The registry is a fold over all events in order of their own time, so it does not depend on the order in
which they came, nor on repeats. What breaks a rule has no effect and stands in `void` with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from schemas.model_event import SYSTEM, ModelContext, ModelEvent, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agents.context import Context
    from schemas.score import ModelRef

Role = Literal["champion", "challenger", "former", "retired"]
"""champion: it alone may alarm. challenger: it runs in the shadow. former: to roll back to, not running."""

Place = tuple[str, ModelContext]
"""A layer and where."""

EVERYWHERE = ModelContext()


@dataclass(frozen=True, slots=True)
class Standing:
    """A model in one layer and context: what it is there, since when, by whom and why.

    registered: the event that brought its recipe.
    """

    layer: str
    context: ModelContext
    model: ModelRef
    role: Role
    since_us: int
    by: str
    why: str
    registered: ModelEvent
    metrics: Mapping[str, float] = field(default_factory=dict)


class Registry:
    """Everything that was said of models up to some event.

    events: all of them, in order, each once. void: those without effect, by id, with the reason.
    """

    def __init__(self, events: Iterable[ModelEvent] = ()) -> None:
        first: dict[str, ModelEvent] = {}
        for event in sorted(events, key=_order):
            first.setdefault(event.id, event)
        self.events = tuple(first.values())
        self.void: dict[str, str] = {}
        self._standings: dict[Place, dict[str, Standing]] = {}
        self._champions: dict[Place, list[str]] = {}
        self._versions: dict[tuple[str, str], str] = {}
        self._verdicts: dict[tuple[str, int], ModelEvent] = {}
        for event in self.events:
            reason = self.refusal(event)
            if reason:
                self.void[event.id] = reason
            else:
                self._apply(event)

    def standings(self) -> list[Standing]:
        """Every model in every place it was registered for, in order of layer, context and time."""
        found = [standing for place in self._standings.values() for standing in place.values()]
        return sorted(found, key=lambda one: (one.layer, context_text(one.context), _order(one.registered)))

    def champion(self, layer: str, unit: str, context: Context) -> Standing | None:
        """The champion of the nearest context that fits the unit `site/unit` now; None: there is none."""
        fitting = [
            (nearness, self._standings[place][ranks[-1]])
            for place, ranks in self._champions.items()
            if place[0] == layer and ranks and (nearness := _nearness(place[1], unit, context)) is not None
        ]
        return max(fitting, key=lambda one: one[0])[1] if fitting else None

    def challengers(self, layer: str, unit: str, context: Context) -> tuple[Standing, ...]:
        """The challengers of every context that fits, each model once, without the champion's own."""
        champion = self.champion(layer, unit, context)
        found: dict[str, Standing] = {}
        for standing in self.standings():
            fits = standing.layer == layer and _nearness(standing.context, unit, context) is not None
            if fits and standing.role == "challenger":
                found.setdefault(standing.model.digest, standing)
        if champion is not None:
            found.pop(champion.model.digest, None)
        return tuple(found.values())

    def at(self, layer: str, context: ModelContext) -> Standing | None:
        """The champion of exactly this context; None where a wider one holds."""
        ranks = self._champions.get((layer, context))
        return self._standings[layer, context][ranks[-1]] if ranks else None

    def former(self, layer: str, context: ModelContext) -> Standing | None:
        """What a roll-back there returns to; None: to the champion of the next wider context, if any."""
        ranks = self._champions.get((layer, context), [])
        return self._standings[layer, context][ranks[-2]] if len(ranks) > 1 else None

    def places(self, digest: str) -> list[Place]:
        """Where a model is registered, or was."""
        return [(one.layer, one.context) for one in self.standings() if one.model.digest == digest]

    def spoke(self, digest: str, unit: str, context: Context) -> Standing | None:
        """The place from which a model speaks, or spoke, for a unit: the nearest where it is registered."""
        found = [
            (nearness, one.layer, one)
            for one in self.standings()
            if one.model.digest == digest and (nearness := _nearness(one.context, unit, context)) is not None
        ]
        return max(found, key=lambda one: one[:2])[2] if found else None

    def verdict_on(self, alarm: str, raised_us: int) -> ModelEvent | None:
        """The latest verdict on an alarm that was raised then; None: there is none."""
        return self._verdicts.get((alarm, raised_us))

    def verdicts(self, digest: str, place: Place | None = None) -> dict[Verdict, int]:
        """How often each verdict was given on alarms of this model; of one alarm the latest counts.

        place: only of alarms that it raised there; one that names no place counts everywhere.
        """
        counted = Counter(
            event.verdict
            for event in self._verdicts.values()
            if event.verdict
            and event.model
            and event.model.digest == digest
            and (place is None or event.context is None or (event.layer, event.context) == place)
        )
        return {"true": counted["true"], "nuisance": counted["nuisance"], "known_work": counted["known_work"]}

    def refusal(self, event: ModelEvent) -> str:
        """Why this event would have no effect if it came now; empty where it has one."""
        if event.event == "verdict":
            return ""
        layer, context, model = _said(event)
        standing = self._standings.get((layer, context), {}).get(model.digest)
        if event.event == "registered":
            return self._no_registration(event, standing)
        if standing is None or standing.role == "retired":
            return f"{_name(event)} is not registered {_where(event)}."
        rules = {"promoted": self._no_promotion, "rolled_back": self._no_roll_back, "retired": self._no_end}
        return rules[event.event](event, standing)

    def _no_registration(self, event: ModelEvent, standing: Standing | None) -> str:
        _, _, model = _said(event)
        known = self._versions.get((model.name, model.version), model.digest)
        if known != model.digest:
            return (
                f"{_name(event)} is the name of another recipe, {known[:12]}: "
                f"give the changed recipe a new version."
            )
        again = standing is not None and standing.role != "retired"
        return f"{_name(event)} is registered {_where(event)} already." if again else ""

    def _no_promotion(self, event: ModelEvent, standing: Standing) -> str:
        if standing.role == "champion":
            return f"{_name(event)} is the champion {_where(event)} already."
        champion = self.at(standing.layer, standing.context)
        if event.by == SYSTEM and champion is not None and champion.by != SYSTEM:
            return (
                f"{champion.by} has chosen {champion.model.name} {_where(event)}: only a person replaces it."
            )
        return ""

    def _no_roll_back(self, event: ModelEvent, standing: Standing) -> str:
        if standing.role != "champion":
            return f"{_name(event)} is not the champion {_where(event)}."
        if self.former(standing.layer, standing.context) is None and standing.by == SYSTEM:
            return f"{_name(event)} is the first model {_where(event)}: there is none to return to."
        return ""

    def _no_end(self, event: ModelEvent, standing: Standing) -> str:
        leads = standing.role == "champion"
        return f"{_name(event)} is the champion {_where(event)}: roll it back first." if leads else ""

    def _apply(self, event: ModelEvent) -> None:
        if event.event == "verdict":
            self._verdicts[event.alarm or "", event.raised_us or 0] = event
            return
        layer, context, model = _said(event)
        place = self._standings.setdefault((layer, context), {})
        ranks = self._champions.setdefault((layer, context), [])
        match event.event:
            case "registered":
                self._versions[model.name, model.version] = model.digest
                place[model.digest] = Standing(
                    *(layer, context, model, "challenger", event.time_us, event.by, event.why, event),
                    metrics=event.metrics or {},
                )
            case "promoted":
                if ranks:
                    place[ranks[-1]] = _now(place[ranks[-1]], "former", event)
                ranks.append(model.digest)
                place[model.digest] = _now(place[model.digest], "champion", event)
            case "rolled_back":
                ranks.pop()
                place[model.digest] = _now(place[model.digest], "challenger", event)
                if ranks:
                    place[ranks[-1]] = _now(place[ranks[-1]], "champion", event)
            case "retired":
                place[model.digest] = _now(place[model.digest], "retired", event)
                left = [digest for digest in ranks if digest != model.digest]
                # Without it two of the same may stand side by side: one step back is to another model.
                ranks[:] = [one for at, one in enumerate(left) if not at or one != left[at - 1]]


def context_text(context: ModelContext) -> str:
    """A context in words, such as `E. coli, 1 to 5 L, feed`; `everywhere` where it names nothing."""
    scale = "" if context.scale_from_L is None else f"{context.scale_from_L:g} to {context.scale_to_L:g} L"
    parts = (
        context.unit,
        context.organism,
        context.process,
        scale,
        context.phase and f"phase {context.phase}",
    )
    return ", ".join(part for part in parts if part) or "everywhere"


def fits(where: ModelContext, unit: str, context: Context) -> bool:
    """Whether a context holds for the unit `site/unit` with what is under way there."""
    return _nearness(where, unit, context) is not None


def announcements(registry: Registry, shipped: Sequence[ModelEvent], now_us: int) -> list[ModelEvent]:
    """What `system` has to say of the models that come with this version.

    They become known, and, where no person has chosen another, champions everywhere. Ids follow from what is
    said, so two workers that announce at once say the same.

    shipped: the registration of each; id and time are set here.
    """
    known = {event.id for event in registry.events}
    said: list[ModelEvent] = []
    for event in shipped:
        layer, context, model = _said(event)
        start = f"shipped.{layer}.{model.digest[:16]}"
        registration = event.model_copy(update={"id": f"{start}.registered", "time_us": now_us})
        if registration.id not in known and not registry.refusal(registration):
            said.append(registration)
        before = sum(one.event == "promoted" and one.model == model for one in registry.events)
        promotion = ModelEvent(
            id=f"{start}.promoted.{before}",
            event="promoted",
            time_us=now_us + 1,
            by=SYSTEM,
            why=event.why,
            layer=layer,
            context=context,
            model=model,
        )
        if promotion.id not in known and not Registry([*registry.events, *said]).refusal(promotion):
            said.append(promotion)
    return said


def next_us(registry: Registry, now_us: int) -> int:
    """The time of an event that is said now: later than all that is known, whatever the clock says."""
    return max([now_us, *(event.time_us + 1 for event in registry.events)])


def _said(event: ModelEvent) -> tuple[str, ModelContext, ModelRef]:
    if event.layer is None or event.context is None or event.model is None:
        raise ValueError(f"{event.id}: an event of a model names its layer, context and model")
    return event.layer, event.context, event.model


def _name(event: ModelEvent) -> str:
    _, _, model = _said(event)
    return f"{model.name} {model.version}"


def _where(event: ModelEvent) -> str:
    layer, context, _ = _said(event)
    return f"for {layer}, {context_text(context)}"


def _now(standing: Standing, role: Role, event: ModelEvent) -> Standing:
    metrics = event.metrics if role == "champion" and event.metrics else standing.metrics
    return replace(standing, role=role, since_us=event.time_us, by=event.by, why=event.why, metrics=metrics)


def _order(event: ModelEvent) -> tuple[int, str, bytes]:
    return event.time_us, event.id, event.encode()


def _nearness(where: ModelContext, unit: str, context: Context) -> tuple[float, ...] | None:
    """How near a context is to a unit now, to be compared; None where it does not fit.

    One that names the unit is nearer than any other; then one that names more, and of what it names the
    organism counts before process, scale and phase; then the longer organism and the narrower scale.
    """
    named = [where.organism, where.process, where.scale_from_L, where.phase]
    scale_low, scale_high = where.scale_from_L or 0.0, where.scale_to_L or 0.0
    fits = (
        (where.unit is None or where.unit == unit)
        and (where.organism is None or _begins(context.organism, where.organism))
        and (where.process is None or _same(context.process, where.process))
        and (
            where.scale_from_L is None
            or (context.scale_l is not None and scale_low <= context.scale_l <= scale_high)
        )
        and (where.phase is None or _same(context.phase, where.phase))
    )
    if not fits:
        return None
    given = [float(part is not None) for part in named]
    width = scale_high / scale_low if scale_low else 0.0
    return (float(where.unit is not None), sum(given), *given, len((where.organism or "").split()), -width)


def _same(said: str | None, wanted: str) -> bool:
    return said is not None and said.casefold().split() == wanted.casefold().split()


def _begins(said: str | None, wanted: str) -> bool:
    """Whether an organism is the wanted one, or a strain of it: its words begin with the wanted ones."""
    words = wanted.casefold().split()
    return said is not None and said.casefold().split()[: len(words)] == words

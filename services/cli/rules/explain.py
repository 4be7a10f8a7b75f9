"""``sampan rules explain``: which rules speak on given facts, or on an event of a story, and why the others do not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.tree import Tree

from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict, load_yaml
from routing.analysis.explaining import Explained
from routing.analysis.explaining import explain as explained_by
from routing.analysis.given import read_facts, read_pairs, seen_from
from routing.analysis.picture import svg
from routing.analysis.seeing import view_at
from routing.analysis.words import effect_words, fact_words, mark_words, value_words
from routing.explain import sentences
from routing.law import Law
from services.cli.rules.reading import On, Region, Rules, day_of, read_law, read_text
from services.cli.screen import text
from services.cli.session import Json, Session
from services.scenario.histories import histories, read_story

STORY_STEP = "#"


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to explain. ``concluded``: sentences on what was decided, where it is an event."""

    title: str
    explained: Explained
    concluded: tuple[str, ...] = ()


def explain(
    context: typer.Context,
    facts: Annotated[
        list[str],
        typer.Argument(metavar="FACTS|EVENT", help="fact=value …, a YAML or JSON file of facts, or STORY.yaml#step."),
    ],
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE.svg", help="Also draw it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also why rules on other themes are silent.")] = False,
    rules: Rules = None,
    region: Region = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Which rules speak, what they do, from which source; and why the others on the same theme do not.

    Example: sampan rules explain found_in=TH citizenship=LA identified=true notify_origin=objection
    """
    session = Session(context, None, as_json)
    law = read_law(rules, region)
    asked = _asked(facts, law, day_of(session, on), everything)
    session.screen.json([_as_json(one) for one in asked])
    for one in asked:
        if not as_json:
            session.screen.out.print(_tree(one))
    if picture is not None:
        _draw(asked, picture)
        session.screen.remark(f"The picture is in {picture.name}.")


def _asked(written: list[str], law: Law, day: date, everything: bool) -> list[Asked]:
    first = written[0]
    if len(written) == 1 and STORY_STEP in first:
        return _story(first, law, everything)
    if len(written) == 1 and "=" not in first:
        view = seen_from(read_facts(_mapping(Path(first))))
    else:
        view = seen_from(read_pairs(written))
    return [Asked("On these facts", explained_by(law.rules, view, day, every_theme=everything))]


def _mapping(path: Path) -> LocatedDict:
    found = load_yaml(read_text(path), path.name)  # JSON is YAML
    if not isinstance(found, LocatedDict):
        raise InvalidInput("not a list of facts", code="bad-facts", field=f"{path.name}:1",
                           remedy="Write one fact to a line: found_in: TH.")  # fmt: skip
    return found


def _story(named: str, law: Law, everything: bool) -> list[Asked]:
    file, _, step = named.partition(STORY_STEP)
    found = []
    for history in asyncio.run(histories([read_story(Path(file))], law)):
        wanted = history.events.get(step, ())
        for one in history.taken:
            if one.record.event_id in wanted:
                view = view_at(one.state, one.record, law, one.kin, taken=one.decision.outcome == "accepted")
                day = one.record.recorded_at.date()
                said = explained_by(law.rules, view, day, every_theme=everything)
                title = f"{one.record.event} in {history.name}, step {step}: {one.decision.outcome}"
                found.append(Asked(title, said, sentences(one.decision, law)))
    if not found:
        raise InvalidInput("no event of that step in the story", code="no-such-step", field="EVENT",
                           remedy="Name a step that emits or answers: STORY.yaml#step.")  # fmt: skip
    return found


def _as_json(one: Asked) -> dict[str, Any]:
    return {"title": one.title, **one.explained.as_json(), "concluded": list(one.concluded)}


def _tree(one: Asked) -> Tree:
    tree = Tree(text(one.title, "bold"))
    facts = tree.add(text("facts", "dim"))
    for fact, value in sorted(one.explained.view.items()):
        words = sorted(map(value_words, value)) if isinstance(value, frozenset) else [value_words(value)]
        facts.add(text(f"{fact_words(fact)}: {', '.join(words)}"))
    speaking = tree.add(text(f"{len(one.explained.speaking)} rules speak", "bold"))
    for said in one.explained.speaking:
        branch = speaking.add(text(f"{said.rule.id} ({said.rule.mark}) {said.rule.title}"))
        for effect in said.effects:
            branch.add(text(effect_words(effect), "green" if effect.kind == "route" else ""))
        branch.add(text(f"{said.rule.cite} · {mark_words(said.rule.mark)}", "dim"))
    silent = tree.add(text(f"{len(one.explained.silent)} are silent", "bold"))
    for quiet in one.explained.silent:
        silent.add(text(f"{quiet.rule.id} ({quiet.rule.mark}): {quiet.why}", "dim"))
    if one.concluded:
        concluded = tree.add(text("concluded", "bold"))
        for sentence in one.concluded:
            concluded.add(text(sentence))
    return tree


def _draw(asked: list[Asked], path: Path) -> None:
    """One file for each; the second gets -2 before its ending."""
    for number, one in enumerate(asked, 1):
        to = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            to.write_text(svg(one.explained, one.title), "utf-8")
        except OSError:
            raise InvalidInput("the picture cannot be written", code="file-unwritable", field="--picture",
                               remedy="Choose a folder that is there and may be written.") from None  # fmt: skip

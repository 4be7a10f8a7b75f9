"""``sampan rules test``: whether each rule keeps to its own examples."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.errors import InvalidInput
from routing.analysis.examples import failures, suggested
from routing.conditions import View
from routing.rule import Rule
from services.cli.failing import ExitCode
from services.cli.rules.reading import Region, RulesFolder, read_law
from services.cli.session import Json, Session


def run_examples(
    context: typer.Context,
    folder: RulesFolder = None,
    region: Region = None,
    suggest: Annotated[str | None, typer.Option("--suggest", metavar="RULE", help="Write examples for a rule.")] = None,
    as_json: Json = False,
) -> None:
    """Play each rule on its own examples: it must speak on some and be silent on others. Exit code 1 where not.

    Example: sampan rules test routing/rules
    """
    session = Session(context, None, as_json)
    law = read_law(folder, region)
    if suggest is not None:
        _suggest(session, law.rules, suggest)
        return
    found = failures(law.rules)
    count = sum(len(rule.examples) for rule in law.rules)
    session.screen.json({
        "rules": len(law.rules), "examples": count,
        "failures": [{"rule": one.rule.id, "where": one.where, "sentence": one.sentence} for one in found],
    })  # fmt: skip
    if found:
        session.screen.table("Examples that do not hold", ["where", "what"], [(f.where, f.sentence) for f in found])
        session.screen.say(f"{len(found)} of {count} examples and of the {len(law.rules)} rules fail.", "red")
        raise typer.Exit(ExitCode.FAILED)
    session.screen.say(f"{len(law.rules)} rules keep to their {count} examples.", "green")


def _suggest(session: Session, rules: tuple[Rule, ...], name: str) -> None:
    rule = next((one for one in rules if one.id == name), None)
    if rule is None:
        raise InvalidInput("there is no such rule", code="no-such-rule", field="--suggest",
                           remedy="`sampan rules check` names the folder's rules.")  # fmt: skip
    speaks, silent = suggested(rule)
    session.screen.json({"match": _plain(speaks), "not": _plain(silent)})
    session.screen.say("  examples:")
    for key, view in (("match", speaks), ("not", silent)):
        if view is not None:
            session.screen.say(f"    {key}: [{as_yaml(view)}]")


def _plain(view: View | None) -> dict[str, object] | None:
    return None if view is None else {fact: sorted(v) if isinstance(v, frozenset) else v for fact, v in view.items()}


def as_yaml(view: View) -> str:
    """``{found_in: TH, exploitation: [Surrogacy]}``; words that YAML would read as something else are quoted."""
    return "{" + ", ".join(f"{fact}: {_word(value)}" for fact, value in sorted(view.items())) + "}"


def _word(value: str | frozenset[str]) -> str:
    if isinstance(value, frozenset):
        return "[" + ", ".join(_word(one) for one in sorted(value)) + "]"
    return f'"{value}"' if value == "NO" else str(value)


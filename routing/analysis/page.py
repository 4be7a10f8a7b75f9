"""The whole rule set as one page for paper: what each rule says, from which source, and how sure we are of it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from routing.analysis.words import (
    MARK_MEANS,
    condition_words,
    dates_words,
    effect_words,
    fact_words,
    mark_words,
    value_words,
)
from routing.conditions import View
from routing.law import Law
from routing.rule import Rule

GENERATED: Final = "Written from the rules' data by <code>sampan rules page</code>; do not edit it by hand."

_STYLE: Final = """
body { font: 11pt/1.45 Georgia, "Times New Roman", serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.25em; border-bottom: 1px solid #888; margin-top: 2em; }
h3 { font-size: 1.05em; margin: 1.4em 0 .2em; } section.rule { break-inside: avoid; }
dl { margin: .3em 0 0; display: grid; grid-template-columns: 7.5em 1fr; gap: .15em .8em; }
dt { color: #555; } dd { margin: 0; } ul { margin: 0; padding-left: 1.1em; } nav a { margin-right: .6em; }
.mark { border: 1px solid #555; border-radius: 3px; padding: 0 .35em; font-size: .85em; }
.idle { color: #777; }
@page { margin: 20mm 18mm; }
@media print {
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  nav { display: none; } h2 { break-before: page; } a { color: inherit; text-decoration: none; }
}
"""


def page(law: Law) -> str:
    """The page as HTML: no script, nothing loaded from elsewhere, the same bytes for the same rules."""
    themes: dict[str, list[Rule]] = {}
    for rule in law.rules:
        themes.setdefault(rule.where.rpartition(":")[0], []).append(rule)
    parts = [_head(law, themes)]
    for file, rules in sorted(themes.items()):
        parts.append(f"<h2>{escape(_theme(file))}</h2>")
        parts += [_rule(rule) for rule in rules]
    if law.absent:
        parts.append("<h2>Not written yet</h2>\n<p>Where such facts stand, routes wait and a person is asked.</p>")
        for one in law.absent:
            said = f"{one.title}: {condition_words(one.when)}."
            parts.append(f"<p><b>{escape(one.id)}</b> {escape(said)}</p>")
    return "\n".join(parts) + "\n</body></html>\n"


def _theme(file: str) -> str:
    name = file.removesuffix(".yaml").lstrip("0123456789-").replace("-", ", ")
    return name[:1].upper() + name[1:]


def _head(law: Law, themes: dict[str, list[Rule]]) -> str:
    links = " ".join(f'<a href="#{escape(rule.id)}">{escape(rule.id)}</a>' for rule in law.rules)
    marks = "\n".join(f'<dt><span class="mark">{mark}</span></dt><dd>{escape(words)}</dd>'
                      for mark, words in MARK_MEANS.items())  # fmt: skip
    rules = sum(map(len, themes.values()))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The rules of Sampan</title><style>{_STYLE}</style></head><body>
<h1>The rules of Sampan</h1>
<p>{GENERATED} {rules} rules; rule set <code>{law.rule_set_hash[:16]}</code>. Not legal advice: a lawyer and a
caseworker of each country confirm a rule before it touches a real case.</p>
<h3>How sure we are</h3>
<dl>{marks}</dl>
<p>Of two marks, as in S/A, the first is of the fact and the second of the number, timer or behaviour.</p>
<nav>{links}</nav>"""


def _rule(rule: Rule) -> str:
    sure = mark_words(rule.mark).partition(": ")[2]
    rows = [
        ("when", escape(condition_words(rule.when))),
        ("does", _list(map(effect_words, rule.effects))),
        ("source", escape(rule.cite)),
        ("how sure", f'<span class="mark">{escape(rule.mark)}</span> {escape(sure)}'),
        ("dates", escape(dates_words(rule))),
    ]  # fmt: skip
    if rule.signed is not None:
        rows.append(("signed", escape(f"{rule.signed.by}, {rule.signed.on}")))
    if rule.remark:
        rows.append(("remark", escape(rule.remark)))
    for name, speaks in (("speaks on", True), ("silent on", False)):
        facts = [facts_words(example.facts) for example in rule.examples if example.speaks is speaks]
        if facts:
            rows.append((name, _list(facts)))
    body = "\n".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    idle = "" if rule.confirmed else ' <span class="idle">(decides nothing yet)</span>'
    head = f"<h3>{escape(rule.id)} {escape(rule.title)}{idle}</h3>"
    return f'<section class="rule" id="{escape(rule.id)}">{head}\n<dl>{body}</dl></section>'


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def facts_words(view: View) -> str:
    """An example's facts on one line."""
    parts = []
    for fact, value in sorted(view.items()):
        words = sorted(map(value_words, value)) if isinstance(value, frozenset) else [value_words(value)]
        parts.append(f"{fact_words(fact)}: {' and '.join(words)}")
    return "; ".join(parts) or "anybody"

"""Results as tables for people: who was told, who was not, why, and which expectations hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.events import EVENTS
from services.scenario.results import Checked, Result
from services.scenario.trace import Played, Run

_SHARES: Final = {
    "step": 14,
    "who": 17,
    "of what, why": 26,
    "of what": 25,
    "why": 17,
    "gets": 12,
    "rules": 12,
}
RuleTitle = Callable[[str], str]
"""Rule id → title in plain words; the id itself where there is none."""


def file_report(result: Result, title_of: RuleTitle = str) -> RenderableType:
    """All of one file: told, not told, the rules named, and what was expected in vain."""
    parts: list[RenderableType] = [
        "",
        Text.from_markup(f"[bold]{escape(result.title)}[/bold]  ({escape(result.slug)})"),
    ]
    base = result.runs.get("")
    if base is not None:
        parts += [told_table(base), not_told_table(base, result.checked), _rules_named(base, title_of)]
    parts += [*(Text(f"assumes: {sentence}") for sentence in result.assumes), _expected_in_vain(result)]
    return Group(*parts)


def told_table(run: Run) -> Table:
    """One row for each dispatch, in the order of the story; word of deadlines is counted below."""
    table = _table("Told", "step", "who", "of what, why", "gets", "rules")
    of_clocks = 0
    for played, index in _in_order(run):
        one = run.decisions[index]
        for x in sorted(one.decision.dispatches, key=lambda d: d.order):
            if EVENTS[x.event].kind == "running" and x.via is None:
                of_clocks += 1
                continue
            gets = " ".join(["F0", *sorted(x.groups, key=lambda g: int(g[1:])), *sorted(x.items)])
            via = f" by {x.via}" if x.via else ""
            about = f" about {one.person}" if one.person and len(run.people) > 1 else ""
            table.add_row(
                escape(played.step.id),
                escape(f"{x.address} {x.recipient}{via}"),
                escape(f"{x.event}{about}, {x.purpose}, {x.basis.replace('_', ' ')}"),
                gets,
                " ".join(sorted(r.id for r in x.rules)),
            )
    if of_clocks:
        table.caption = f"and {of_clocks} times word of a clock: warned, missed, reminded"
        table.caption_justify = "left"
    return table


def not_told_table(run: Run, checked: Sequence[Checked] = ()) -> Table:
    """Each denial and each wait, said once, when it begins; then whom the file expects to hear nothing."""
    table = _table("Not told", "step", "who", "of what", "why", "rules")
    shown: set[tuple[str, ...]] = set()
    for played, index in _in_order(run):
        one = run.decisions[index]
        for word, refusals in (("denied", one.decision.denied), ("waits for", one.decision.held)):
            for refusal in refusals:
                who = refusal.address or refusal.recipient or "the event itself"
                rules = sorted(r.id for r in refusal.rules)
                asks = ", ".join(refusal.asks)
                of_what = refusal.event if who == "the event itself" else ""
                key = (who, of_what, word, one.person or "", asks, *rules)
                if key in shown:
                    continue
                shown.add(key)
                about = f" about {one.person}" if one.person and len(run.people) > 1 else ""
                why = f"denied, lacks {asks}" if asks and word == "denied" else f"{word} {asks}".strip()
                row = (played.step.id, who, refusal.event + about, why, " ".join(rules))
                table.add_row(*(escape(cell) for cell in row))
    for silence in checked:
        if silence.expectation.kind == "not_told" and silence.verdict.passed and not silence.variant:
            table.add_row(*(escape(cell) for cell in _silence(silence)))
    return table


def _silence(checked: Checked) -> tuple[str, ...]:
    keys = checked.expectation.keys
    groups = " ".join(keys.get("groups", ())) or "anything"
    until = f" until {keys['until']}" if "until" in keys else ""
    where = "" if checked.where == "finally" else checked.where
    return (
        where,
        ", ".join(keys["who"]),
        groups + until,
        "nothing was sent",
        " ".join(keys.get("rules", ())),
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        expand=True,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in columns:
        table.add_column(name, overflow="fold", ratio=_SHARES.get(name, 18))
    return table


def _rules_named(run: Run, title_of: RuleTitle) -> RenderableType:
    """The titles of the rules that the two tables name."""
    named: set[str] = set()
    for one in run.decisions:
        decision = one.decision
        for several in (decision.dispatches, decision.denied, decision.held):
            named |= {rule.id for thing in several for rule in thing.rules}
    titled = [(rule, title_of(rule)) for rule in sorted(named)]
    return Text("\n".join(f"{rule} {title}" for rule, title in titled if title != rule), style="dim")


def summary_table(results: Sequence[Result]) -> Table:
    """One row for each file."""
    table = Table(title="Scenarios", title_justify="left")
    table.add_column("scenario")
    table.add_column("told", justify="right")
    table.add_column("denied", justify="right")
    table.add_column("waited", justify="right")
    table.add_column("expectations", justify="right")
    table.add_column("result")
    for result in results:
        decisions = [one.decision for one in result.runs[""].decisions] if "" in result.runs else []
        good = sum(1 for c in result.checked if c.verdict.passed)
        table.add_row(
            escape(result.slug),
            str(sum(len(d.dispatches) for d in decisions)),
            str(sum(len(d.denied) for d in decisions)),
            str(sum(len(d.held) for d in decisions)),
            f"{good} of {len(result.checked)}",
            "[green]passed[/green]" if result.passed else "[red]failed[/red]",
        )
    return table


def _expected_in_vain(result: Result) -> RenderableType:
    failed = [c for c in result.checked if not c.verdict.passed]
    if result.passed:
        return Text(f"All {len(result.checked)} expectations hold.", style="green")
    lines = [_failure(result, one) for one in failed] + [
        f"{result.file}: {problem}" for problem in result.problems
    ]
    return Text("\n".join(lines), style="red")


def _failure(result: Result, one: Checked) -> str:
    where = f"{result.file}:{one.expectation.line}"
    variant = f" (variant {one.variant})" if one.variant else ""
    return f"{where} step '{one.where}'{variant}: {one.expectation.kind}: {one.verdict.why}"


def _in_order(run: Run) -> list[tuple[Played, int]]:
    return [(played, index) for played in run.steps for index in range(played.start, played.end)]

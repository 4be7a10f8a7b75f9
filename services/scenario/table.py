"""Results as tables for people: who was told, who was not, why, and which expectations hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from services.scenario.results import Checked, Result
from services.scenario.trace import Played, Run

RuleTitle = Callable[[str], str]
"""Rule id → title in plain words; the id itself where there is none."""


def file_report(result: Result, title_of: RuleTitle = str) -> RenderableType:
    """All of one file: told, not told, and what was expected in vain."""
    parts: list[RenderableType] = [
        Text.from_markup(f"[bold]{escape(result.title)}[/bold]  ({escape(result.slug)})")
    ]
    base = result.runs.get("")
    if base is not None:
        parts += [told_table(base, title_of), not_told_table(base, title_of)]
    parts += [_expected_in_vain(result), *(Text(f"assumes: {sentence}") for sentence in result.assumes)]
    return Group(*parts)


def told_table(run: Run, title_of: RuleTitle = str) -> Table:
    """One row for each dispatch, in the order of the story."""
    table = Table(title="Told", title_justify="left", expand=True)
    for name in ("step", "who", "of what", "about", "why it may", "gets", "rules"):
        table.add_column(name, overflow="fold")
    for played, index in _in_order(run):
        one = run.decisions[index]
        for x in sorted(one.decision.dispatches, key=lambda d: d.order):
            gets = " ".join(["F0", *sorted(x.groups, key=lambda g: int(g[1:])), *sorted(x.items)])
            via = f" by {x.via}" if x.via else ""
            table.add_row(
                escape(played.step.id),
                escape(f"{x.address} ({x.recipient}){via}"),
                x.event,
                escape(one.person or ""),
                f"{x.purpose}, {x.basis.replace('_', ' ')}",
                gets,
                _rules([r.id for r in x.rules], title_of),
            )
    return table


def not_told_table(run: Run, title_of: RuleTitle = str) -> Table:
    """One row for each denial and each thing that waits; the same refusal is shown once."""
    table = Table(title="Not told", title_justify="left", expand=True)
    for name in ("step", "who", "of what", "about", "because", "asks for", "rules"):
        table.add_column(name, overflow="fold")
    shown: set[tuple[str, ...]] = set()
    for played, index in _in_order(run):
        one = run.decisions[index]
        for word, refusals in (("denied", one.decision.denied), ("waits", one.decision.held)):
            for refusal in refusals:
                who = refusal.address or refusal.recipient or "the event itself"
                rules = [r.id for r in refusal.rules]
                # A whole side or role is refused at every event anew; saying it once is enough.
                of_what = "" if who.startswith(("any@", "state@")) or who.endswith("@*") else refusal.event
                key = (who, of_what, word, one.person or "", *sorted(rules), *sorted(refusal.asks))
                if key not in shown:
                    shown.add(key)
                    table.add_row(
                        escape(played.step.id),
                        escape(who),
                        refusal.event,
                        escape(one.person or ""),
                        word,
                        ", ".join(refusal.asks),
                        _rules(rules, title_of),
                    )
    return table


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


def _rules(ids: Iterable[str], title_of: RuleTitle) -> str:
    return escape("\n".join(f"{i} {title_of(i)}" if title_of(i) != i else i for i in sorted(set(ids))))


def _in_order(run: Run) -> list[tuple[Played, int]]:
    return [(played, index) for played in run.steps for index in range(played.start, played.end)]

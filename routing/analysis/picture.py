"""An explanation as a picture: the facts, the rules that speak, what each does. SVG, whole in itself."""

from __future__ import annotations

from textwrap import wrap
from typing import Final
from xml.sax.saxutils import escape

from routing.analysis.explaining import Explained, Speaking
from routing.analysis.words import effect_words, fact_words, value_words

WIDTH: Final = 960
_LINE: Final = 18
_LEFT: Final = 300
_COLOURS: Final = {
    "route": "#1b7f3b", "basis": "#1b7f3b", "grant": "#1b7f3b", "deny": "#b3261e", "recall": "#b3261e",
    "erase": "#b3261e", "withhold": "#b3261e", "hold": "#9a6700",
}  # fmt: skip
"""Green tells, red takes away, amber waits; each effect says so in words too."""
_OTHER: Final = "#444444"


def svg(explained: Explained, title: str) -> str:
    """The picture's text. Nothing in it is loaded from elsewhere."""
    parts: list[str] = []
    facts = [_fact(fact, value) for fact, value in sorted(explained.view.items())]
    facts = [line for text in facts for line in wrap(text, 34)] or ["nothing is known"]
    top = _LINE * 3
    _box(parts, 20, top, 240, facts, "#f2f2f2")
    y = top
    for one in explained.speaking:
        y = _rule(parts, one, y, top + 12)
    if not explained.speaking:
        parts.append(f'<text x="{_LEFT + 10}" y="{top + 24}">No rule speaks.</text>')
        y = top + 3 * _LINE
    height = max(y, top + (len(facts) + 2) * _LINE) + 20
    drawn = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="13">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="20" y="28" font-size="17" font-weight="bold">{escape(title)}</text>\n{drawn}\n</svg>\n'
    )


def _fact(fact: str, value: str | frozenset[str]) -> str:
    words = sorted(map(value_words, value)) if isinstance(value, frozenset) else [value_words(value)]
    return f"{fact_words(fact)}: {', '.join(words)}"


def _box(parts: list[str], x: int, y: int, width: int, lines: list[str], fill: str) -> int:
    height = (len(lines) + 1) * _LINE
    parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="#888888"/>')
    parts += [f'<text x="{x + 10}" y="{y + (n + 1) * _LINE}">{escape(line)}</text>' for n, line in enumerate(lines)]
    return height


def _rule(parts: list[str], one: Speaking, y: int, facts_at: int) -> int:
    rule = one.rule
    head = wrap(f"{rule.id} ({rule.mark}) {rule.title}", 88)
    cite = wrap(f"{rule.cite}", 88)
    effects = [(line, _COLOURS.get(e.kind, _OTHER)) for e in one.effects for line in wrap(f"→ {effect_words(e)}", 86)]
    height = (len(head) + len(cite) + len(effects) + 1) * _LINE
    curve = f"M260 {facts_at} C280 {facts_at} 280 {y + 12} {_LEFT} {y + 12}"
    parts.append(f'<path d="{curve}" fill="none" stroke="#888888"/>')
    parts.append(f'<rect x="{_LEFT}" y="{y}" width="{WIDTH - _LEFT - 20}" height="{height}" rx="6" fill="#ffffff" '
                 'stroke="#888888"/>')  # fmt: skip
    lines = [(text, "#000000", "bold") for text in head] + [(text, _OTHER, "normal") for text in cite]
    lines += [(text, colour, "normal") for text, colour in effects]
    for number, (text, colour, weight) in enumerate(lines, 1):
        parts.append(f'<text x="{_LEFT + 10}" y="{y + number * _LINE}" fill="{colour}" font-weight="{weight}">'
                     f"{escape(text)}</text>")  # fmt: skip
    return y + height + 10

"""Looks for planted words in whatever a run left, in every form in which a word can hide."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_INFLATED_BYTES_MAX = 1 << 20


def forms_of(word: str) -> dict[str, bytes]:
    """A word as it may stand in bytes: two UTF-16s, base64 at its three alignments, hex in both cases."""
    raw = word.encode()
    forms = {
        "raw": raw,
        "utf-16le": word.encode("utf-16-le"),
        "utf-16be": word.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        start = (0, 2, 3)[shift]  # characters that the bytes before it touch
        end = len(whole) - (0 if (shift + len(raw)) % 3 == 0 else 4)
        forms[f"base64+{shift}"] = whole[start + (1 if shift else 0) : end]
    return forms


def found_in(content: bytes, words: Iterable[str]) -> list[str]:
    """``word (form)`` for each planted word that stands in ``content``, also inside compressed parts."""
    wanted = {(word, form): shape for word in words for form, shape in forms_of(word).items()}
    hits = [f"{word} ({form})" for (word, form), shape in wanted.items() if shape in content]
    for inflated in _inflated(content):
        hits += [
            f"{word} ({form}, compressed)" for (word, form), shape in wanted.items() if shape in inflated
        ]
    return hits


def found_below(folder: Path, words: Iterable[str]) -> list[str]:
    """The same for every file below a folder, with the file's name."""
    words = list(words)
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            hits += [f"{path.relative_to(folder)}: {hit}" for hit in found_in(path.read_bytes(), words)]
    return hits


def _inflated(content: bytes) -> Iterator[bytes]:
    for match in _COMPRESSED.finditer(content):
        bits = 31 if match[0][:1] == b"\x1f" else 15
        try:
            yield zlib.decompressobj(bits).decompress(content[match.start() :], _INFLATED_BYTES_MAX)
        except zlib.error:
            continue

"""What an instance decides by: the directory of a region's folder, and rules over it, as far as they may serve."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem
from deploy.region import FOLDER, load_region
from routing.directory import Directory
from routing.law import Law, whole_rules

FILE_BYTES_MAX: Final = 1024 * 1024


def load(folder: Path | None, rules: Path | None = None, *, demo: bool = False) -> tuple[Directory, Law]:
    """The directory and the law of a region.

    The sample region is invented and the demo is for one machine: both run by rules that no counsel signed. Any
    other region is live, and there an unsigned rule that needs counsel tells nobody (ADR 0170).

    Args:
        folder: of the directory; None: the sample region.
        rules: of rule files, or of ``signatures.yaml`` alone; None: the rules that come with Sampan, unsigned.

    Raises:
        InvalidInput: what a file says is ambiguous or malformed; names file and line.
        SetupProblem: ``no-rules-folder``.
    """
    directory = load_region(folder or FOLDER)
    law = Law.load(whole_rules({} if rules is None else rule_texts(rules)), directory)
    return directory, law if folder is None or demo else law.live()


def rule_texts(folder: Path) -> dict[str, str]:
    """The rule files of a folder: name → text.

    Raises:
        SetupProblem: there is no such folder, or a file in it is too large, cannot be read or is not text.
    """
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    try:
        if not paths or any(path.stat().st_size > FILE_BYTES_MAX for path in paths):
            raise OSError
        return {path.name: path.read_text("utf-8") for path in paths}
    except (OSError, UnicodeDecodeError):
        raise SetupProblem(
            "The folder of rules holds no rule file that can be read.", code="no-rules-folder", field="SAMPAN_RULES",
            remedy="Name a folder of rule files in UTF-8, each below 1 MiB, that this user may read.",
        ) from None  # fmt: skip

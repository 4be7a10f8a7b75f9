"""What an instance decides by: the directory of a region's folder, and the committed rules over it."""

from __future__ import annotations

from pathlib import Path

from deploy.region import FOLDER, load_region
from routing.directory import Directory
from routing.law import Law


def load(folder: Path | None) -> tuple[Directory, Law]:
    """The directory and the law of a region; None means the sample region.

    Raises:
        InvalidInput: what the folder says is ambiguous or malformed; names file and line.
    """
    directory = load_region(folder or FOLDER)
    return directory, Law.of_sample_region(directory)

"""The collector in a process that serves."""

from __future__ import annotations

import subprocess
import sys

_SETTLED = """
import gc, weakref
from services.runtime import collector
class Node: pass
standing = [object() for _ in range(1000)]
collector.settle()
assert gc.isenabled() and gc.get_freeze_count() > 1000
node = Node(); node.self = node
gone = weakref.ref(node)
del node
young = [[] for _ in range(3 * collector.YOUNG_OBJECTS)]
assert gone() is None
"""


def test_what_stands_is_left_alone_and_young_cycles_are_still_found() -> None:
    """After settling, the objects of the start are frozen, and a cycle made later is freed without being asked."""
    done = subprocess.run([sys.executable, "-c", _SETTLED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

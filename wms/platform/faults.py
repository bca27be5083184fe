# SPDX-License-Identifier: Apache-2.0
"""Places where a test may let this process die or fail, so that recovery is proven and not hoped for."""

import os
import signal
from typing import Final

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class FaultInjectedError(Exception):
    """Raised at a point that ``WMS_FAULT_POINTS`` names with ``raise``."""


def fault_point(name: str) -> None:
    """Does nothing, unless ``WMS_FAULT_POINTS`` names this point: ``name=kill,other=raise``.

    ``kill`` is SIGKILL to this very process: no handler runs and nothing is flushed, as when a machine dies.
    ``stop`` is SIGSTOP: the process sleeps until it is continued, as when a virtual machine is paused.
    The environment is read at every call, so that a test can switch points without starting anew.
    """
    wanted = os.environ.get("WMS_FAULT_POINTS")
    if not wanted:
        return
    for entry in wanted.split(","):
        point, _, action = entry.strip().partition("=")
        if point != name:
            continue
        if action in _SIGNALS:
            os.kill(os.getpid(), _SIGNALS[action])
        if action == "raise":
            raise FaultInjectedError(name)

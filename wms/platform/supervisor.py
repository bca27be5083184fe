# SPDX-License-Identifier: Apache-2.0
"""Starts programs, keeps them running and stops them in order: what ``wms up`` needs of an init system."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wms.platform.embedded import die_with_parent

STOP_SECONDS: Final = 10.0
# A program that stops late is killed, so that the stages behind it still get their turn.
_STOP_STAGE_SECONDS: Final = 4.0
_BACKOFF_MIN_SECONDS: Final = 0.5
_BACKOFF_MAX_SECONDS: Final = 30.0
# A program that lived this long did start well; its next restart is a quick one again.
_STABLE_SECONDS: Final = 30.0
_LOG_MAX_BYTES: Final = 10_000_000


@dataclass(frozen=True)
class Program:
    """One child process. What it prints goes to ``<name>.log``. Programs of a higher stage stop first."""

    name: str
    command: Sequence[str]
    stage: int = 0


@dataclass
class _Child:
    program: Program
    process: "subprocess.Popen[bytes]"
    started_at: float
    restart_at: float | None = None
    backoff_seconds: float = _BACKOFF_MIN_SECONDS


@dataclass
class Supervisor:
    """Children belong to the thread that starts them: on Linux they end when it does, even by ``kill -9``.

    ``note`` is called with a sentence whenever a child had to be restarted.
    """

    log_dir: Path
    note: Callable[[str], None]
    _children: list[_Child] = field(default_factory=list)

    def start(self, program: Program) -> None:
        """Starts a program."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._children.append(_Child(program, self._launch(program), time.monotonic()))

    def pid_of(self, name: str) -> int:
        """Returns the process id that the program has now."""
        return next(child.process.pid for child in self._children if child.program.name == name)

    def log_of(self, name: str) -> Path:
        """Where the program's output goes."""
        return self.log_dir / f"{name}.log"

    def ended(self) -> list[str]:
        """Names of the programs that are not running now."""
        return [child.program.name for child in self._children if child.process.poll() is not None]

    def watch(self, stopping: threading.Event, every_seconds: float = 0.2) -> None:
        """Restarts whatever dies, until ``stopping`` is set."""
        while not stopping.wait(every_seconds):
            for child in self._children:
                self._keep_alive(child)

    def stop(self) -> None:
        """Ends all programs within 10 s, stage by stage, each asked before it is forced."""
        give_up_at = time.monotonic() + STOP_SECONDS
        for stage in sorted({child.program.stage for child in self._children}, reverse=True):
            children = [child for child in self._children if child.program.stage == stage]
            for child in children:
                # The group, because a program may have children of its own.
                _signal_group(child.process, signal.SIGTERM)
            stage_ends_at = min(give_up_at, time.monotonic() + _STOP_STAGE_SECONDS)
            for child in children:
                self._await_end(child, stage_ends_at)
        self._children.clear()

    def _await_end(self, child: _Child, give_up_at: float) -> None:
        try:
            child.process.wait(max(0.1, give_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.note(f"{child.program.name} did not stop by itself and was killed.")
        _signal_group(child.process, signal.SIGKILL)
        child.process.wait()

    def _launch(self, program: Program) -> "subprocess.Popen[bytes]":
        path = self.log_of(program.name)
        if path.exists() and path.stat().st_size > _LOG_MAX_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            # A session of its own, so that Ctrl-C reaches us, who then stop the children in order.
            return subprocess.Popen(  # noqa: S603 - the commands are ours.
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no locks.
            )

    def _keep_alive(self, child: _Child) -> None:
        status = child.process.poll()
        if status is None:
            return
        now = time.monotonic()
        if child.restart_at is None:
            if now - child.started_at > _STABLE_SECONDS:
                child.backoff_seconds = _BACKOFF_MIN_SECONDS
            child.restart_at = now + child.backoff_seconds
            why = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            self.note(f"{child.program.name} {why}; it is started again ({self.log_of(child.program.name)}).")
        elif now >= child.restart_at:
            child.backoff_seconds = min(child.backoff_seconds * 2, _BACKOFF_MAX_SECONDS)
            child.process, child.started_at, child.restart_at = self._launch(child.program), now, None


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return

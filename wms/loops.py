# SPDX-License-Identifier: Apache-2.0
"""What goes on by itself: the job kinds that every process must know, and the loops that the sweeper turns."""

from importlib import import_module

# A worker that does not know a kind leaves its jobs waiting, so every process loads all of them.
JOB_MODULES: tuple[str, ...] = ()


def load_jobs() -> None:
    """Registers every kind of job in this process."""
    for name in JOB_MODULES:
        import_module(name)

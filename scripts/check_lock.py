# SPDX-License-Identifier: Apache-2.0
"""Compares the lock files with what ``pyproject.toml`` resolves to; ``--write`` brings them up to date.

Versions that are locked and still fit stay as they are, so a new release elsewhere changes nothing here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LOCKS: dict[str, list[str]] = {"requirements.lock": [], "requirements-dev.lock": ["--group", "dev"]}
# One lock for all platforms and Python versions; no address of a registry, so that a mirror serves as well.
OPTIONS = [
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
]


def resolve(lock: Path, extra: list[str]) -> str:
    """Returns what the lock file should say, starting from the versions that it names now."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / lock.name
        if lock.exists():
            shutil.copy(lock, made)
        uv = Path(sys.executable).with_name("uv")
        command = [uv, "pip", "compile", *OPTIONS, *extra, "pyproject.toml", "-o", made]
        # The settings of pip say where packages come from on this machine; uv is to look in the same places.
        subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL, env=_environment())
        return made.read_text()


def _environment() -> dict[str, str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    settings = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
    # Like pip, which takes the best version of all its indexes; every file is then fixed by its hash.
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match", **os.environ}
    for key, value in settings.items():
        name = names.get(key.partition(".")[2])
        if name is not None:
            separator = "," if name == "UV_FIND_LINKS" else " "
            environment.setdefault(name, separator.join(value.strip("'").split()))
    return environment


def main() -> int:
    stale = []
    for name, extra in LOCKS.items():
        lock = REPOSITORY / name
        wanted = resolve(lock, extra)
        if lock.exists() and lock.read_text() == wanted:
            continue
        if "--write" in sys.argv:
            lock.write_text(wanted)
            print(f"{name} is written anew.")
        else:
            stale.append(name)
    if stale:
        print(f"{' and '.join(stale)} differ from pyproject.toml. Run `make lock` and commit the result.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""No room's jobs are forgotten: a worker would leave them waiting for ever."""

import re
import sys
from pathlib import Path

import wms
from wms.kinds import load_jobs
from wms.platform import jobs

_REGISTERED = re.compile(r"^@(?:external_)?job\(\"([a-z_.]+)\"\)", re.MULTILINE)


def test_every_kind_of_job_in_the_source_is_registered() -> None:
    load_jobs()
    written = {
        kind
        for file in Path(wms.__file__).parent.rglob("*.py")
        for kind in _REGISTERED.findall(file.read_text(encoding="utf-8"))
    }
    assert written == {kind for kind in jobs._registry.kinds if not kind.startswith("test.")}
    assert written
    assert "wms.tables" in sys.modules

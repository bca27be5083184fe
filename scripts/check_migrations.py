# SPDX-License-Identifier: Apache-2.0
"""Proves on a fresh PostgreSQL that the migrations build exactly what the models say, and can be taken back."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from wms.migrations import check, config, migrate
from wms.platform.embedded import EmbeddedEngines


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="wms-migrations-", dir="/var/lib" if os.geteuid() == 0 else None))
    try:
        with EmbeddedEngines(folder) as engines:
            migrate(engines.database_url)
            check(engines.database_url)
            command.downgrade(config(engines.database_url), "base")
            migrate(engines.database_url)
            check(engines.database_url)
    except CommandError as error:
        print(f"The models and the migrations differ: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("The migrations build what the models say, and can be taken back.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

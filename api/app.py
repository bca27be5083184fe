# SPDX-License-Identifier: Apache-2.0
"""The application: every door in one Litestar app. ``uvicorn --factory api.app:create_app`` serves it."""

import asyncio
import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State

from api import callbacks, floor, health, portal
from api.brand import routers as brand_routers
from api.brand.access import Keyring
from api.brand.desk import Desk
from api.docs import openapi_config
from api.door import Door
from api.problems import handlers
from wms.kinds import load_jobs
from wms.platform.bell import hang_bell
from wms.platform.logs import configure_logs
from wms.platform.settings import settings


def create_app() -> Litestar:
    """Returns the application, set up from the settings of this process."""
    configure_logs()
    load_jobs()
    app = Litestar(
        route_handlers=[health.router, *brand_routers(), floor.router, portal.router, callbacks.router],
        exception_handlers=handlers(),
        openapi_config=openapi_config(),
        lifespan=[_running],
        request_max_body_size=settings().request_body_max_bytes,
        state=State({"keyring": Keyring(), "desk": Desk()}),
        # Our own door logs; a framework that logs too would tell what we keep out of the logs.
        logging_config=None,
    )
    # Middleware of Litestar sees matched routes only; the door must also see what leads nowhere.
    app.asgi_handler = Door(app.asgi_handler)
    return app


@asynccontextmanager
async def _running(_: Litestar) -> AsyncIterator[None]:
    # Handlers run here, one thread each; by default there would be six of them on a machine with two cores.
    pool = ThreadPoolExecutor(settings().http_threads, thread_name_prefix="http")
    asyncio.get_running_loop().set_default_executor(pool)
    hang_bell()
    # What start-up made stays for good: a bulk of orders must not make the collector walk all of it again and again.
    gc.collect()
    gc.freeze()
    # By default every 700 new objects bring a collection about; one order alone makes hundreds, hardly any in a cycle.
    gc.set_threshold(50_000, 20, 20)
    yield

# SPDX-License-Identifier: Apache-2.0
"""Structured logs: one JSON object a line, with the ids of request and job and no personal data."""

import logging

import structlog

from wms.platform.settings import settings


def configure_logs() -> None:
    """Sets up logging for this process."""
    level = logging.getLevelNamesMapping().get(settings().log_level.upper(), logging.INFO)
    renderer = (
        structlog.processors.JSONRenderer() if settings().log_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level, format="%(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "httpcore", "dramatiq", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

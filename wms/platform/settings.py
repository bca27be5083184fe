# SPDX-License-Identifier: Apache-2.0
"""One frozen settings object, read from the environment (``WMS_…``). Units stand in the names."""

from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every default is safe for a machine on a desk; ``wms up`` fills in the two URLs by itself."""

    model_config = SettingsConfigDict(env_prefix="WMS_", frozen=True, extra="ignore")

    # PostgreSQL. The application always works as `database_role`; the owner's URL is only used to migrate.
    database_url: str = ""
    database_owner_url: str = ""
    database_role: str = "wms_app"
    database_pool_size: int = 16
    database_statement_timeout_ms: int = 30_000
    database_lock_timeout_ms: int = 5_000

    # Redis carries rings only; it may be empty, then workers poll the job table.
    redis_url: str = ""
    redis_timeout_ms: int = 1_000

    # Where the embedded engines keep their files; empty means `.data`, or `/var/lib/wms` as root.
    data_dir: Path | None = None
    # Encrypts carrier credentials at rest (a Fernet key). `wms up` makes one in the data folder.
    secret_key: SecretStr = SecretStr("")

    # HTTP
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    sandbox_port: int = 8090
    http_threads: int = 32
    request_body_max_bytes: int = 1_000_000
    bulk_body_max_bytes: int = 32_000_000
    secure_cookies: bool = False

    # Jobs
    job_lease_seconds: int = 60
    job_attempts_max: int = 12
    sweep_interval_ms: int = 1_000
    ring_again_after_ms: int = 5_000
    carrier_timeout_ms: int = 10_000

    # `system` reads the machine's clock; `database` reads one row that every process shares (wms replay).
    clock: str = "system"

    log_level: str = "INFO"
    log_json: bool = True


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()

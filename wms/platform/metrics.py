# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics of this process. No label carries a brand's or a person's data."""

from prometheus_client import Counter, Histogram

JOBS = Counter("wms_jobs", "Jobs by kind and how they ended", ["kind", "outcome"])
JOB_SECONDS = Histogram("wms_job_seconds", "How long a job ran", ["kind"])
RINGS_FAILED = Counter("wms_rings_failed", "Rings that Redis did not take; the sweeper repeats them")
REQUESTS = Counter("wms_http_requests", "HTTP requests", ["door", "method", "status"])
REQUEST_SECONDS = Histogram("wms_http_request_seconds", "How long a request took", ["door"])
ORDERS_ACCEPTED = Counter("wms_orders_accepted", "Orders accepted")
SHIPMENTS_RELEASED = Counter("wms_shipments_released", "Shipments released to the floor")
SCANS = Counter("wms_scans", "Scans on the floor", ["kind", "outcome"])
CALLBACKS = Counter("wms_callbacks", "Callbacks of carriers by what became of them at the door", ["outcome"])

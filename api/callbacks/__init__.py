# SPDX-License-Identifier: Apache-2.0
"""The door that carriers push to: prove, keep, answer. What it means is found out by a job."""

from typing import Final
from uuid import UUID

from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody

from api.problems import documented
from carriers.errors import CarrierError
from wms.delivery.service import read_envelope, store_callback
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import callback_secrets, connect
from wms.platform import metrics
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.errors import Unauthenticated

BODY_MAX_BYTES: Final = 256_000


@post(
    "/{carrier:str}/{account_id:uuid}",
    operation_id="receiveCarrierCallback",
    summary="Take a carrier's callback",
    description=(
        "The raw body is checked against the account's secret and kept; one that was here before changes nothing."
    ),
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=BODY_MAX_BYTES,
    responses=documented(400, 401, 413),
)
def receive(
    request: Request[None, None, State], carrier: FromPath[str], account_id: FromPath[UUID], body: RawBody
) -> Response[bytes]:
    """Answers 200 once the callback is kept, new or not; 401 unless it is signed, and then nothing is kept.

    An account that does not exist looks just like a wrong signature.
    """
    account = in_transaction(WAREHOUSE, lambda session: session.get(CarrierAccount, account_id))
    headers = dict(request.headers)
    if account is None or account.carrier != carrier or not _is_signed(account, headers, body):
        metrics.CALLBACKS.labels("forged").inc()
        raise Unauthenticated("This callback is not signed with the account's secret.")
    envelope = read_envelope(connect(account), headers, body)
    is_new = in_transaction(WAREHOUSE, lambda session: store_callback(session, account, envelope, headers, body))
    metrics.CALLBACKS.labels("kept" if is_new else "known").inc()
    return Response(b"", media_type="text/plain")


def _is_signed(account: CarrierAccount, headers: dict[str, str], body: bytes) -> bool:
    """Says whether one of the account's secrets signed exactly these bytes; the adapter compares in constant time."""
    try:
        adapter = connect(account)
    except CarrierError:
        return False
    return any(adapter.verify_webhook(secret, headers, body) for secret in callback_secrets(account))


router = Router("/carriers", route_handlers=[receive], tags=["Carriers"])

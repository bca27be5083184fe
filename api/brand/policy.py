# SPDX-License-Identifier: Apache-2.0
"""``/v1/policy``: what the brand lets the warehouse decide alone."""

from litestar import get, put
from litestar.params import JSONBody
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.problems import documented
from wms.brands.models import Brand, Policy
from wms.brands.service import Grant, set_policy
from wms.platform.db import brand_scope, in_transaction


@get(
    "/policy",
    operation_id="GetPolicy",
    summary="Get the policy",
    guards=[needs(Grant.POLICY_READ)],
    tags=["Policy"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_policy(request: ApiRequest) -> Policy:
    """Get the policy."""
    brand_id = request.auth.brand_id
    return in_transaction(brand_scope(brand_id), lambda session: session.get_one(Brand, brand_id).policy)


@put(
    "/policy",
    operation_id="PutPolicy",
    summary="Replace the policy",
    guards=[needs(Grant.POLICY_WRITE)],
    tags=["Policy"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def put_policy(request: ApiRequest, data: JSONBody[Policy]) -> Policy:
    """Replace the policy.

    Members that are left out get their defaults. Orders that were accepted before keep the clock that they have.
    """
    brand_id = request.auth.brand_id

    def work(session: Session) -> Policy:
        set_policy(session, session.get_one(Brand, brand_id), data)
        return data

    return in_transaction(brand_scope(brand_id), work)


HANDLERS = (get_policy, put_policy)

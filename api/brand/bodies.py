# SPDX-License-Identifier: Apache-2.0
"""Bodies that a handler reads by itself, described for the documentation."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema


@dataclass
class ManyOrders(Operation):
    """An operation whose body is an array of orders, or one order a line."""

    def __post_init__(self) -> None:
        order = Reference(ref="#/components/schemas/OrderIn")
        several = Schema(type=OpenAPIType.ARRAY, items=order, min_items=1, max_items=5_000)
        self.request_body = RequestBody(
            description="An array of orders, or one order a line (NDJSON).",
            required=True,
            content={
                "application/json": OpenAPIMediaType(schema=several),
                "application/x-ndjson": OpenAPIMediaType(schema=order),
            },
        )


_CHANGES = ("Cancel", "Reduce", "Readdress", "Contact", "ChangeService", "AddItems", "SplitOff", "Merge")


@dataclass
class OneChange(Operation):
    """An operation whose body is one change; `kind` says which."""

    def __post_init__(self) -> None:
        kinds = [Reference(ref=f"#/components/schemas/{name}") for name in _CHANGES]
        self.request_body = RequestBody(
            description="One change: `kind` says which.",
            required=True,
            content={"application/json": OpenAPIMediaType(schema=Schema(one_of=kinds))},
        )

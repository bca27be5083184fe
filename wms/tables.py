# SPDX-License-Identifier: Apache-2.0
"""Every table of the house in one place, for migrations and for the audit."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from wms.brands import models as brands
from wms.catalog import models as catalog
from wms.changes import models as changes
from wms.delivery import models as delivery
from wms.dispatch import models as dispatch
from wms.floor import models as floor
from wms.money import models as money
from wms.orders import models as orders
from wms.platform import idempotency, jobs, tables
from wms.shipments import models as shipments
from wms.stock import models as stock

ROOMS = (
    brands,
    catalog,
    stock,
    orders,
    shipments,
    floor,
    dispatch,
    delivery,
    money,
    changes,
    jobs,
    idempotency,
    tables,
)


def metadata() -> MetaData:
    """The tables of all rooms."""
    return SQLModel.metadata

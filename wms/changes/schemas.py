# SPDX-License-Identifier: Apache-2.0
"""What may be asked of an order that was accepted already."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, RootModel

from wms.changes.models import ChangeKind
from wms.intake.schemas import LINES_MAX, QUANTITY_MAX, LineIn, RecipientIn, Reference, Service

_LINE_TEXT = r"^[^\x00-\x1f\x7f]*$"
_NOTES = r"^[^\x00-\x09\x0b-\x1f\x7f]*$"


class _Change(BaseModel):
    """``ref`` is the caller's own number for the change: the same one again is answered again and not done again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: Annotated[Reference, Field(description="Your own number for this change, unique for the order")]
    expected_version: Annotated[
        int | None, Field(ge=1, description="Refused with 409 `version_conflict` where the order has another version")
    ] = None
    reason: Annotated[str, Field(max_length=80, pattern=_LINE_TEXT)] = ""


class Cancel(_Change):
    """Take back the whole order, as far as it has not left."""

    kind: Literal[ChangeKind.CANCEL] = ChangeKind.CANCEL


class LessIn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    line: Annotated[int, Field(ge=1)]
    quantity: Annotated[
        int | None, Field(ge=1, le=QUANTITY_MAX, description="So many pieces less; the whole line where absent")
    ] = None


class Reduce(_Change):
    """Take lines, or pieces of them, off the order."""

    kind: Literal[ChangeKind.REDUCE] = ChangeKind.REDUCE
    lines: Annotated[list[LessIn], Field(min_length=1, max_length=LINES_MAX)]


class Readdress(_Change):
    """Send it to another door."""

    kind: Literal[ChangeKind.ADDRESS] = ChangeKind.ADDRESS
    recipient: RecipientIn


class Contact(_Change):
    """Another phone number, e-mail address or note; what is absent stays."""

    kind: Literal[ChangeKind.CONTACT] = ChangeKind.CONTACT
    phone: Annotated[str | None, Field(max_length=40, pattern=_LINE_TEXT)] = None
    email: Annotated[str | None, Field(max_length=254, pattern=_LINE_TEXT)] = None
    notes: Annotated[str | None, Field(max_length=500, pattern=_NOTES)] = None


class ChangeService(_Change):
    """Another service class."""

    kind: Literal[ChangeKind.SERVICE] = ChangeKind.SERVICE
    service: Service


class AddItems(_Change):
    """Something was forgotten. The brand's policy says whether the order is edited or another one is sold."""

    kind: Literal[ChangeKind.ADD_ITEMS] = ChangeKind.ADD_ITEMS
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]


class SplitOff(_Change):
    """Let the order travel alone again."""

    kind: Literal[ChangeKind.SPLIT_OFF] = ChangeKind.SPLIT_OFF


class Merge(_Change):
    """Let the order travel with another one of the same door."""

    kind: Literal[ChangeKind.MERGE] = ChangeKind.MERGE
    into: Annotated[Reference, Field(description="The order with whose shipment it is to travel")]
    acknowledge_warnings: bool = False


ChangeIn: TypeAlias = Annotated[
    Cancel | Reduce | Readdress | Contact | ChangeService | AddItems | SplitOff | Merge, Field(discriminator="kind")
]


class AnyChange(RootModel[ChangeIn]):
    """One change of any kind, as it comes in a body."""

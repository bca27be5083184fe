# SPDX-License-Identifier: Apache-2.0
"""The thin HTTP part of the sandbox adapter: sends bytes, names what came back, decides nothing else."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

import httpx

from carriers.errors import CarrierError, from_status, from_transport
from carriers.port import (
    Address,
    AmendmentOutcome,
    AmendmentResult,
    Capability,
    Contact,
    LedgerEntry,
    ManifestOutcome,
    ManifestResult,
    Outcome,
    Parcel,
    Purchase,
    Pushed,
    Reason,
    ShipmentRequest,
    TrackingEvent,
    VoidOutcome,
    VoidResult,
)
from carriers.sandbox import requests, responses


class SandboxCarrier:
    """One account at the sandbox carrier. Safe to share between threads.

    Raises a terminal CarrierError when the credentials lack ``api_key``.
    """

    name = "sandbox"
    capabilities = frozenset(
        {
            Capability.MULTI_PIECE,
            Capability.MASTER_NUMBER,
            Capability.ADD_PIECE,
            Capability.VOID,
            Capability.MANIFEST,
            Capability.REDIRECT,
            Capability.EDIT_CONTACT,
            Capability.RETURN_TO_ORIGIN,
            Capability.PUSH,
            Capability.POLL,
            Capability.LEDGER,
        }
    )

    def __init__(self, base_url: str, credentials: Mapping[str, str], timeout_s: float) -> None:
        if not credentials.get("api_key"):
            raise CarrierError("no_api_key", "The sandbox carrier needs an api_key.", is_transient=False)
        self._http = httpx.Client(
            base_url=base_url,
            headers={"x-api-key": credentials["api_key"], "content-type": "application/json"},
            timeout=timeout_s,
            # An idle connection is dropped here before the carrier drops it, because a request on a
            # connection that is just being closed would count as a lost answer.
            limits=httpx.Limits(max_connections=32, keepalive_expiry=4.0),
            # A proxy from the environment must not see addresses unless somebody configured it for us.
            trust_env=False,
        )

    def buy(self, request: ShipmentRequest) -> Purchase:
        """Buy all parcels in one call; see the port for what is raised and what is ``unknown``."""
        return self._purchase("/v1/shipments", requests.shipment(request))

    def add_piece(self, key: str, carrier_shipment_id: str, parcels: tuple[Parcel, ...]) -> Purchase:
        """Buy further pieces of a shipment that nobody has collected yet."""
        path = f"/v1/shipments/{quote(carrier_shipment_id, safe='')}/pieces"
        return self._purchase(path, requests.addition(key, parcels))

    def redirect(self, key: str, carrier_shipment_id: str, ship_to: Address) -> AmendmentResult:
        """Ask for another door; see the port."""
        return self._amend(carrier_shipment_id, requests.redirect(key, ship_to))

    def edit_contact(self, key: str, carrier_shipment_id: str, contact: Contact) -> AmendmentResult:
        """Ask for another phone, e-mail or note; see the port."""
        return self._amend(carrier_shipment_id, requests.edit_contact(key, contact))

    def return_to_origin(self, key: str, carrier_shipment_id: str) -> AmendmentResult:
        """Ask for the parcels back; see the port."""
        return self._amend(carrier_shipment_id, requests.return_to_origin(key))

    def find_amendment(self, key: str) -> AmendmentResult | None:
        """How the amendment under our key stands."""
        return responses.parse_found_amendment(self._send("GET", f"/v1/amendments?key={quote(key, safe='')}").content)

    def find(self, key: str) -> Purchase | None:
        """The purchase under our key, with its labels."""
        return responses.parse_found(self._send("GET", f"/v1/shipments?key={quote(key, safe='')}").content)

    def void(self, carrier_shipment_id: str, tracking_number: str | None = None) -> VoidResult:
        """Take labels out of use; voiding what is void already succeeds."""
        path = f"/v1/shipments/{quote(carrier_shipment_id, safe='')}/void"
        try:
            response = self._send("POST", path, requests.void(tracking_number), accept=(422,))
            if response.status_code == 422:
                reason = responses.parse_refusal(response.content)
                return VoidResult(VoidOutcome.REFUSED, (), response.content, reason)
            return responses.parse_void(response.content)
        except CarrierError as error:
            return VoidResult(VoidOutcome.UNKNOWN, (), error.raw, _reason_of_lost_answer(error))

    def manifest(self, key: str, tracking_numbers: tuple[str, ...]) -> ManifestResult:
        """Close a hand-over list of live parcels that are on no other list."""
        body = requests.manifest(key, tracking_numbers)
        try:
            response = self._send("POST", "/v1/manifests", body, accept=(422,))
            if response.status_code == 422:
                reason = responses.parse_refusal(response.content)
                return ManifestResult(ManifestOutcome.REFUSED, None, (), response.content, reason)
            return responses.parse_manifest(response.content)
        except CarrierError as error:
            reason = _reason_of_lost_answer(error)
            return ManifestResult(ManifestOutcome.UNKNOWN, None, (), error.raw, reason)

    def track(self, tracking_number: str) -> tuple[TrackingEvent, ...]:
        """Poll a parcel's events, or those of all pieces of a master number."""
        path = f"/v1/tracking/{quote(tracking_number, safe='')}"
        return responses.parse_tracking(self._send("GET", path).content)

    def ledger(self) -> Iterator[LedgerEntry]:
        """Every label of the account, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            entries, cursor = responses.parse_ledger(self._send("GET", f"/v1/ledger?after={cursor}").content)
            yield from entries

    def register_webhook(self, url: str, secret: str) -> None:
        """Tell the carrier where to push this account's events and how to sign them.

        Not part of the port: most carriers take this by form, not by API.
        """
        self._send("PUT", "/v1/webhook", requests.webhook(url, secret))

    def verify_webhook(self, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Check a push; see ``responses.verify_webhook``."""
        return responses.verify_webhook(secret, headers, body)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[Pushed, ...]:
        """Read a push; see ``responses.parse_webhook``."""
        return responses.parse_webhook(headers, body)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _purchase(self, path: str, body: bytes) -> Purchase:
        try:
            return responses.parse_shipment(self._send("POST", path, body, accept=(422,)).content)
        except CarrierError as error:
            return Purchase(Outcome.UNKNOWN, None, None, (), error.raw, _reason_of_lost_answer(error))

    def _amend(self, carrier_shipment_id: str, body: bytes) -> AmendmentResult:
        path = f"/v1/shipments/{quote(carrier_shipment_id, safe='')}/amendments"
        try:
            return responses.parse_amendment(self._send("POST", path, body, accept=(422,)).content)
        except CarrierError as error:
            return AmendmentResult(AmendmentOutcome.UNKNOWN, None, error.raw, _reason_of_lost_answer(error))

    def _send(
        self, method: str, path: str, content: bytes | None = None, *, accept: tuple[int, ...] = ()
    ) -> httpx.Response:
        """The answer when it is a success or one of ``accept``; everything else is a CarrierError."""
        try:
            response = self._http.request(method, path, content=content)
        except httpx.RequestError as error:
            raise from_transport(error) from error
        if response.is_success or response.status_code in accept:
            return response
        code, message = _error_of(response)
        raise from_status(response, code=code, message=message)


def _error_of(response: httpx.Response) -> tuple[str, str]:
    # A gateway in between may answer in its own words, so an unreadable error is still its status.
    try:
        reason = responses.parse_refusal(response.content)
    except CarrierError:
        return "", ""
    return reason.code, reason.message


def _reason_of_lost_answer(error: CarrierError) -> Reason:
    """The reason for an unknown outcome; an error that certainly changed nothing goes on upwards."""
    if not error.is_answer_lost:
        raise error
    return Reason(error.code, error.message)

# SPDX-License-Identifier: Apache-2.0
"""What may go wrong on purpose, switched at run time and repeatable by seed."""

import random
import threading
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

CallKind = Literal[
    "error_500_after_success",
    "error_500_before",
    "timeout_after_success",
    "timeout_before",
    "rate_limited_429",
    "connection_reset_after_success",
]
PurchaseKind = Literal[CallKind, "refuse", "half"]
PushKind = Literal["drop", "duplicate", "reorder", "delay"]
Operation = Literal["purchase", "void", "manifest", "amendment", "push"]

OPERATIONS: Final[tuple[Operation, ...]] = ("purchase", "void", "manifest", "amendment", "push")


class _Fault(BaseModel):
    """``times`` None means without end; ``delay_s`` is the length of a time-out, delay or hold-back."""

    model_config = ConfigDict(extra="forbid")
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0


class CallFault(_Fault):
    kind: CallKind
    delay_s: float = Field(default=30.0, ge=0, le=600)


class PurchaseFault(_Fault):
    kind: PurchaseKind
    delay_s: float = Field(default=30.0, ge=0, le=600)


class PushFault(_Fault):
    kind: PushKind
    delay_s: float = Field(default=2.0, ge=0, le=600)


Fault = CallFault | PurchaseFault | PushFault


class FaultPlan(BaseModel):
    """The faults per operation; of several that could fire, the first in the list does."""

    model_config = ConfigDict(extra="forbid")
    purchase: list[PurchaseFault] = []
    void: list[CallFault] = []
    manifest: list[CallFault] = []
    amendment: list[CallFault] = []
    push: list[PushFault] = []


class Faults:
    """The plan in force and how much of it is used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.replace(FaultPlan())

    def replace(self, plan: FaultPlan) -> None:
        """Put a whole new plan in force; every count and every dice starts anew."""
        with self._lock:
            self._plan = plan.model_copy(deep=True)
            self._dice = {
                id(fault): random.Random(fault.seed)  # noqa: S311 - repeatable faults, not secrets
                for operation in OPERATIONS
                for fault in self._of(operation)
            }

    def shown(self) -> FaultPlan:
        """The plan with what is left of each count; used-up faults are gone."""
        with self._lock:
            return self._plan.model_copy(deep=True)

    def draw(self, operation: Operation) -> Fault | None:
        """The fault that strikes this time, if any; it is used up by one."""
        with self._lock:
            faults = self._of(operation)
            for fault in faults:
                if self._dice[id(fault)].random() >= fault.probability:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        faults.remove(fault)
                return fault
            return None

    def _of(self, operation: Operation) -> list[Fault]:
        faults: list[Fault] = getattr(self._plan, operation)
        return faults

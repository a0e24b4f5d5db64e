"""What every adapter must do, as tests to inherit: `PushConformance`, `UpdateConformance` or `PullConformance`."""

from __future__ import annotations

from erp_integrations.conformance.pull import PullConformance
from erp_integrations.conformance.push import Item, PushConformance
from erp_integrations.conformance.update import UpdateConformance

__all__ = ["Item", "PullConformance", "PushConformance", "UpdateConformance"]

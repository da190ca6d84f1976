"""Pure builders of Stripe's JSON objects, in the shapes of the simulated API version."""

from __future__ import annotations

from typing import Any

StripeObject = dict[str, Any]

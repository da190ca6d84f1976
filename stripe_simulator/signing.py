"""The Stripe-Signature header."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def signature_header(body: bytes, secrets: Iterable[str], timestamp: int) -> str:
	"""Sign `<timestamp>.<body>` with HMAC-SHA256 under scheme v1, once for each secret that is valid.

	`timestamp` is in real Unix seconds.
	"""
	signed = b"%d." % timestamp + body
	signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
	return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])

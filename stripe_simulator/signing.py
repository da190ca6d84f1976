"""The Stripe-Signature header."""

from __future__ import annotations

import hashlib
import hmac


def signature_header(body: bytes, secret: str, timestamp: int) -> str:
	"""Sign `<timestamp>.<body>` with HMAC-SHA256 under scheme v1; `timestamp` in real Unix seconds."""
	signature = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
	return f"t={timestamp},v1={signature}"

"""What happens to the objects: the only code that changes a payment, a refund or a dispute.

The caller holds the store's lock and sends the operation's events after its answer has left.
"""

from __future__ import annotations

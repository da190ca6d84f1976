"""A stateful local Stripe for the demo and the tests.

It is no part of the installed app and never imports it, nor the `stripe` library: the genuine library drives it from
outside and so keeps it honest. It serves 127.0.0.1 only, refuses live keys and moves no money.

The rooms: `resources/` answers the API's routes, `objects/` builds the JSON objects (pure functions), `flows/` is what
happens to them, `checkout/` are the pages a customer pays on, `delivery.py` sends the webhooks, `control/` is what a test
can tell it: move the clock, refund in the dashboard, dispute, fail.
"""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"

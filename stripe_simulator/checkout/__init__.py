"""The Checkout page: what a customer of the merchant sees and fills in."""

from __future__ import annotations

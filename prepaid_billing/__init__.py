"""Prepaid balances, Stripe top-ups and exact call charging for Frappe."""

__version__ = "0.1.0"

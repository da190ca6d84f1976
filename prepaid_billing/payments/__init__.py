"""Money in: top-ups by Stripe Checkout and the webhook. DESIGN.md section 8.

Only gateway.py imports stripe. What a payment means for a top-up is decided in decide.py, without frappe.
"""

"""Parameters that several resources take."""

from __future__ import annotations

from stripe_simulator.fields import Email, Field, Group, Text

ADDRESS = Group(
	{part: Text(clearable=True) for part in ("city", "country", "line1", "line2", "postal_code", "state")}
)
BILLING_DETAILS = Group(
	{"address": ADDRESS, "email": Email(), "name": Text(), "phone": Text(), "tax_id": Text()}
)
PAYMENT_FIELDS: dict[str, Field] = {
	"description": Text(1000),
	"receipt_email": Email(),
	"shipping": Group(
		{"address": ADDRESS, "carrier": Text(), "name": Text(), "phone": Text(), "tracking_number": Text()},
		required=("address", "name"),
	),
	"statement_descriptor": Text(22),
	"statement_descriptor_suffix": Text(22),
}
"""What a PaymentIntent and the `payment_intent_data` of a session have in common."""
LOCALES = tuple(
	"""auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro
	ru sk sl sv th tr vi zh zh-HK zh-TW""".split()
)
"""The languages of Stripe's own pages."""

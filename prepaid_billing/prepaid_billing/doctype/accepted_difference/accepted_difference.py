# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

from prepaid_billing.closed import WrittenByTheProduct


class AcceptedDifference(WrittenByTheProduct):
	pass

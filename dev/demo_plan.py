"""Who the demo's customers are and when they call. Pure: a name and a present moment give always the same plan."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from zoneinfo import ZoneInfo

from prepaid_billing.rating.price import Rate, cost

DAYS = 90
THRESHOLD = Decimal(20)
VAT_PERCENT = 19
"""Contained in what a customer pays; the rest is credited."""

_SMALLEST_TOPUP = 10
_LONGEST_CALL = 1800
_UNANSWERED = 0.08
_NEVER_REPORTED = 0.004
_MEDIAN_LOG_SECONDS, _SPREAD = 4.8, 0.9
# Monday to Sunday, and by the hour of the day.
_WEEKDAYS = (1.0, 1.1, 1.05, 1.0, 0.85, 0.12, 0.05)
_HOURS = {7: 2, 8: 7, 9: 11, 10: 12, 11: 11, 12: 6, 13: 7, 14: 10, 15: 10, 16: 8, 17: 5, 18: 2, 19: 1}
# Set aside by the German and the British regulator for books and films: nobody is called there.
_CALLEES = ("+493023125", "+494066969", "+496990009", "+498999998", "+442079460", "+441614960")


@dataclass(frozen=True)
class Customer:
	"""A company of the demo. Amounts are euros.

	`ends_near` is the balance that its history is to end at; a negative one makes the money run out days before.
	"""

	name: str
	story: str
	language: str
	login: str
	call_prefix: str
	caller: str
	rate: Rate
	calls: int
	usual_topup: int
	tops_up_below: int
	ends_near: int

	def topup_due(self, available: Decimal, still_to_pay: Decimal) -> int:
		"""Return the whole euros to top up now, 0 for none; `still_to_pay` is what all calls to come cost."""
		if available >= self.tops_up_below:
			return 0
		# Calls take from both, so that only top-ups change this: the last one can be what is missing.
		missing = (still_to_pay + self.ends_near - available) * (100 + VAT_PERCENT) / 100
		to_pay = int(missing.to_integral_value(ROUND_CEILING))
		if to_pay < _SMALLEST_TOPUP:
			return 0
		return to_pay if to_pay <= self.usual_topup * 3 // 2 else self.usual_topup


CUSTOMERS = (
	Customer(
		name="Musterhafen AG",
		story="healthy",
		language="de",
		login="billing@musterhafen.example.com",
		call_prefix="MH",
		caller="+4930231250",
		rate=Rate(Decimal("0.42"), billing_increment=1),
		calls=1150,
		usual_topup=200,
		tops_up_below=60,
		ends_near=140,
	),
	Customer(
		name="Example Travel",
		story="near its threshold",
		language="en",
		login="billing@travel.example.com",
		call_prefix="ET",
		caller="+4420794600",
		rate=Rate(Decimal("0.35"), billing_increment=60),
		calls=620,
		usual_topup=100,
		tops_up_below=25,
		ends_near=18,
	),
	Customer(
		name="Sample Outdoor",
		story="empty",
		language="en",
		login="billing@outdoor.example.com",
		call_prefix="SO",
		caller="+4416149600",
		rate=Rate(Decimal("0.42"), billing_increment=1),
		calls=260,
		usual_topup=50,
		tops_up_below=10,
		ends_near=-8,
	),
)


@dataclass(frozen=True)
class PlannedCall:
	"""A call that a customer wants to make. Instants are Unix seconds, `seconds` 0 means not answered."""

	call_id: str
	caller: str
	callee: str
	starts: int
	rings: int
	seconds: int
	reported: bool

	@property
	def ends(self) -> int:
		"""When the line is free again."""
		return self.starts + self.rings + self.seconds


def plan(customer: Customer, now: int, zone: ZoneInfo) -> list[PlannedCall]:
	"""Return the calls of a customer up to `now`, oldest first, none beginning before the one before it has ended."""
	chance = random.Random(customer.name)
	today = datetime.fromtimestamp(now, zone).date()
	days = [today - timedelta(days=back) for back in range(DAYS, -1, -1)]
	weights = [_WEEKDAYS[day.weekday()] for day in days]
	moments = sorted(_moment(chance, day, zone) for day in chance.choices(days, weights, k=customer.calls))
	calls: list[PlannedCall] = []
	for number, moment in enumerate(moments, 1):
		starts = max(moment, calls[-1].ends + chance.randint(5, 90)) if calls else moment
		calls.append(_call(customer, chance, number, starts))
	return [call for call in calls if call.ends < now - 60]


def price(customer: Customer, call: PlannedCall) -> Decimal:
	"""Return what a call is going to cost; one whose end nobody reports costs nothing."""
	return cost(customer.rate, call.seconds if call.reported else 0)


def _moment(chance: random.Random, day: date, zone: ZoneInfo) -> int:
	hour = chance.choices(list(_HOURS), list(_HOURS.values()))[0]
	moment = datetime(
		day.year, day.month, day.day, hour, chance.randrange(60), chance.randrange(60), tzinfo=zone
	)
	return int(moment.timestamp())


def _call(customer: Customer, chance: random.Random, number: int, starts: int) -> PlannedCall:
	answered = chance.random() >= _UNANSWERED
	lasts = min(_LONGEST_CALL, max(4, round(chance.lognormvariate(_MEDIAN_LOG_SECONDS, _SPREAD))))
	return PlannedCall(
		call_id=f"{customer.call_prefix}-{number:05d}",
		caller=f"{customer.caller}{chance.randrange(10, 30)}",
		callee=f"{chance.choice(_CALLEES)}{chance.randrange(1000):03d}",
		starts=starts,
		rings=chance.randint(3, 25),
		seconds=lasts if answered else 0,
		reported=chance.random() >= _NEVER_REPORTED,
	)

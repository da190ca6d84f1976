// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// More than an answer takes on its way: then one of the two clocks was set, or the machine slept.
const JUMP = 2_000;

// The server's clock, whatever the clock of this machine says. Instants are milliseconds since 1970, UTC.
export class ServerClock {
	set(iso) {
		this.answered = Date.parse(iso);
		const ahead = this.answered - performance.now();
		// The quickest answer tells the time best; a slower one must not make the seconds stutter.
		if (this.ahead === undefined || ahead > this.ahead || this.ahead - ahead > JUMP) {
			this.ahead = ahead;
		}
	}

	now() {
		return performance.now() + this.ahead;
	}
}

// Returns the time of day as the user reads it.
export function time_of_day(instant) {
	const zone = frappe.boot.time_zone?.user || frappe.sys_defaults.time_zone;
	return moment.tz(instant, zone).format(frappe.datetime.get_user_time_fmt());
}

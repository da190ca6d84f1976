// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

import { write } from "./rows";
import { time_of_day } from "./server_clock";

// Seconds at the end of a grant that only bridge a late word of the gateway.
const RESERVE = 30;

// A row of the table of calls in progress.
export class RunningCall {
	constructor(call) {
		this.element = document.createElement("tr");
		this.element.setAttribute("role", "row");
		this.element.innerHTML = `
			<td role="cell" class="pb-live-who">
				<a data-part="company"></a>
				<a data-part="numbers" class="text-muted"></a>
			</td>
			<td role="cell" class="pb-live-status"><span data-part="status"></span></td>
			<td role="cell" class="pb-live-number" data-label="${__("Elapsed")}">
				<span data-part="elapsed"></span>
			</td>
			<td role="cell" class="pb-live-until" data-label="${__("Valid Until")}">
				<span data-part="until"></span>
				<span data-part="left" class="pb-live-left"></span>
			</td>
			<td role="cell" class="pb-live-number" data-label="${__("Held")}"><span data-part="held"></span></td>`;
		this.parts = parts_of(this.element);
		link(this.parts.company, "Billing Company", call.company, call.company);
		link(this.parts.numbers, "Call Charge", call.name, prepaid_billing.calls.numbers(call));
	}

	show(call) {
		this.began = Date.parse(call.answered_at || call.started_at);
		this.until = Date.parse(call.valid_until);
		this.is_gone = false;
		show_pill(this.parts.status, call.status, prepaid_billing.calls.STATUS_COLORS);
		write(this.parts.until, time_of_day(this.until));
		write(this.parts.held, prepaid_billing.money(call.reserved_amount, call.currency));
	}

	mark_as_gone() {
		this.is_gone = true;
		show_pill(this.parts.status, "Ended");
		write(this.parts.left, "");
		delete this.element.dataset.grant;
	}

	tick(now) {
		if (this.is_gone) {
			return;
		}
		const { duration } = prepaid_billing.calls;
		write(this.parts.elapsed, duration(Math.max(0, now - this.began) / 1000));
		const left = Math.floor((this.until - now) / 1000);
		const words = left < 0 ? __("{0} overdue", [duration(-left)]) : __("{0} left", [duration(left)]);
		write(this.parts.left, words);
		this.element.dataset.grant = left < 0 ? "over" : left <= RESERVE ? "low" : "enough";
	}
}

// An item of the queue of calls that need a person.
export class WaitingCall {
	constructor(call, resolve) {
		const { numbers } = prepaid_billing.calls;
		this.element = document.createElement("li");
		this.element.innerHTML = `
			<span data-part="reason"></span>
			<a data-part="company"></a>
			<a data-part="numbers" class="text-muted"></a>
			<p data-part="why"></p>
			<p data-part="figures" class="text-muted"></p>
			<button data-part="resolve" class="btn btn-default btn-sm">${__("Resolve")}</button>
			<p data-part="error" class="pb-live-error" role="alert"></p>`;
		this.parts = parts_of(this.element);
		link(this.parts.company, "Billing Company", call.company, call.company);
		link(this.parts.numbers, "Call Charge", call.name, numbers(call));
		this.parts.resolve.setAttribute("aria-label", `${__("Resolve")}: ${call.company}, ${numbers(call)}`);
		this.parts.resolve.addEventListener("click", resolve);
	}

	show(call) {
		const { duration, why_review, REVIEW_COLORS } = prepaid_billing.calls;
		show_pill(this.parts.reason, call.review, REVIEW_COLORS);
		write(this.parts.why, why_review(call.review));
		const figures = [
			frappe.datetime.str_to_user(call.ended_at),
			__("Duration {0}", [duration(call.duration_sec)]),
			__("Charged {0}", [prepaid_billing.money(call.amount, call.currency)]),
		];
		const unbroken = figures.filter(Boolean).map((figure) => figure.replaceAll(" ", "\u00a0"));
		write(this.parts.figures, unbroken.join(" · "));
	}

	// Out of sight at once, and the focus goes on to the next one.
	step_aside() {
		const next = this.element.nextElementSibling || this.element.previousElementSibling;
		this.element.hidden = true;
		next?.querySelector("button").focus();
	}

	come_back(error) {
		this.element.hidden = false;
		write(this.parts.error, error);
		this.parts.resolve.focus();
	}
}

// A figure above both lists.
export class Figure {
	constructor() {
		this.element = document.createElement("div");
		this.element.innerHTML = `<dt data-part="label"></dt><dd data-part="value"></dd><dd data-part="more"></dd>`;
		this.parts = parts_of(this.element);
	}

	show({ label, value, more = "", is_urgent = false }) {
		write(this.parts.label, label);
		write(this.parts.value, value);
		write(this.parts.more, more);
		this.element.classList.toggle("pb-live-urgent", is_urgent);
	}
}

export function parts_of(element) {
	const parts = [...element.querySelectorAll("[data-part]")];
	return Object.fromEntries(parts.map((part) => [part.dataset.part, part]));
}

function show_pill(element, value, colors = {}) {
	element.className = `indicator-pill no-indicator-dot ${colors[value] || "gray"}`;
	write(element, __(value));
}

function link(element, doctype, name, text) {
	element.href = frappe.utils.get_form_link(doctype, name);
	element.textContent = text;
}

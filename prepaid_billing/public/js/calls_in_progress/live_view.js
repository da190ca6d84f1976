// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

import { Figure, parts_of, RunningCall, WaitingCall } from "./elements";
import { Poll } from "./poll";
import { Rows, write } from "./rows";
import { ServerClock, time_of_day } from "./server_clock";

// Milliseconds in which a second click still belongs to the first: by then it lies on the next call's button.
const DOUBLE_CLICK = 500;

// The page's content: what runs and what it holds, and what waits for a person.
export class LiveView {
	constructor(parent) {
		parent.innerHTML = layout();
		this.parts = parts_of(parent);
		this.clock = new ServerClock();
		this.resolving = new Set();
		this.resolved = new Map();
		this.clicked = -Infinity;
		this.figures = new Rows(this.parts.figures, () => new Figure());
		this.calls = new Rows(this.parts.calls, (call) => new RunningCall(call));
		this.queue = new Rows(this.parts.queue, (call) => new WaitingCall(call, () => this.resolve(call)));
		this.poll = new Poll({
			ask: () => this.ask(),
			answered: (answer) => this.show(answer),
			failed: (error) => this.show_failure(error),
		});
		this.parts.retry.addEventListener("click", () => this.poll.now());
		setInterval(() => this.tick(), 1000);
	}

	// An answer that was asked for before a call was resolved still has it in the queue.
	async ask() {
		const asked = performance.now();
		const { in_progress, queue } = await prepaid_billing.get("desk.calls");
		const is_news = ({ name }) => !(this.resolved.get(name) > asked);
		return { in_progress, queued: queue.calls.filter(is_news), unlisted: queue.waiting - queue.calls.length };
	}

	show({ in_progress, queued, unlisted }) {
		Object.assign(this, { in_progress, queued, unlisted, is_stale: false });
		this.clock.set(in_progress.now);
		// They come with the latest first; turned round, a new call is the last one and moves nothing.
		this.calls.show([...in_progress.calls].reverse());
		this.queue.show(queued);
		this.show_state(__("Live, as of {0}", [time_of_day(this.clock.answered)]));
		this.show_counts();
		this.tick();
	}

	show_failure(error) {
		this.is_stale = true;
		const words = this.words_for(error);
		this.show_state(words);
		write(this.parts.spoken, words);
		this.tick();
	}

	words_for({ status, message }) {
		if (status === 401) {
			return __("You are logged out. Log in again to see the calls.");
		}
		if (status && status < 500) {
			return message;
		}
		if (!this.in_progress) {
			return __("No answer from the server yet; trying again.");
		}
		return __("No answer since {0}. What you see is from then; trying again.", [
			time_of_day(this.clock.answered),
		]);
	}

	show_state(text) {
		write(this.parts.state, text);
		this.parts.root.dataset.state = this.is_stale ? "stale" : "live";
		this.parts.retry.hidden = !this.is_stale;
	}

	show_counts() {
		const { totals, calls } = this.in_progress;
		const running = totals.reduce((sum, total) => sum + total.calls, 0);
		const listed = this.queued.filter(({ name }) => !this.resolving.has(name)).length;
		const waiting = listed + this.unlisted;
		const counts = [
			{ name: "running", label: __("In progress"), value: count(running) },
			{ name: "waiting", label: __("To review"), value: count(waiting), is_urgent: waiting > 0 },
		];
		this.figures.show([...counts, ...totals.map(held)]);
		this.parts.running.classList.toggle("pb-live-empty", !running);
		this.parts.review.classList.toggle("pb-live-empty", !waiting);
		write(this.parts.more_running, shown_of(calls.length, running));
		write(this.parts.more_waiting, shown_of(listed, waiting));
		write(this.parts.spoken, counts.map(({ label, value }) => `${label}: ${value}`).join(", "));
	}

	// What is not known any more does not go on counting.
	tick() {
		if (this.in_progress) {
			const now = this.is_stale ? this.clock.answered : this.clock.now();
			this.calls.each((call) => call.tick(now));
		}
	}

	async resolve(call) {
		if (performance.now() - this.clicked < DOUBLE_CLICK) {
			return;
		}
		this.clicked = performance.now();
		const row = this.queue.get(call.name);
		this.resolving.add(call.name);
		row.step_aside();
		this.show_counts();
		try {
			await prepaid_billing.post("calls.resolve", { call_id: call.call_id });
			this.resolved.set(call.name, performance.now());
			this.queued = this.queued.filter(({ name }) => name !== call.name);
			this.queue.remove(call.name);
		} catch (error) {
			row.come_back(error.message);
			this.clicked = -Infinity;
		}
		this.resolving.delete(call.name);
		this.show_counts();
	}
}

const count = (number) => format_number(number, null, 0);

const shown_of = (shown, all) =>
	shown < all ? __("{0} of {1} are shown.", [count(shown), count(all)]) : "";

const held = ({ currency, calls, held }) => ({
	name: currency,
	label: __("Held in {0}", [currency]),
	value: prepaid_billing.money(held, currency),
	more: calls === 1 ? __("1 call") : __("{0} calls", [count(calls)]),
});

function layout() {
	const header = (label, name) =>
		`<th role="columnheader" scope="col" class="pb-live-${name}">${label}</th>`;
	return `
		<div class="pb-live" data-part="root" data-state="loading">
			<div class="pb-live-top">
				<span data-part="state" class="indicator">${__("Loading the calls")}</span>
				<button data-part="retry" class="btn btn-default btn-xs" hidden>${__("Try now")}</button>
			</div>
			<dl data-part="figures" class="pb-live-figures"></dl>
			<div class="pb-live-columns">
				<section data-part="running" aria-labelledby="pb-live-running">
					<h2 id="pb-live-running">${__("Calls in Progress")}</h2>
					<table role="table">
						<thead role="rowgroup"><tr role="row">
							${header(__("Company and numbers"), "who")}
							${header(__("Status"), "status")}
							${header(__("Elapsed"), "number")}
							${header(__("Valid Until"), "until")}
							${header(__("Held"), "number")}
						</tr></thead>
						<tbody role="rowgroup" data-part="calls"></tbody>
					</table>
					<p class="pb-live-none">
						<strong>${__("No call is in progress")}</strong>
						${__("Nothing is held. A call appears here when the gateway asks for it.")}
					</p>
					<p data-part="more_running" class="text-muted"></p>
				</section>
				<section data-part="review" aria-labelledby="pb-live-review">
					<h2 id="pb-live-review">${__("Needs Review")}</h2>
					<ul data-part="queue"></ul>
					<p class="pb-live-none">
						<strong>${__("Nothing to review")}</strong>
						${__("Calls that expire, cost more than was available or have contradicting records wait here.")}
					</p>
					<p data-part="more_waiting" class="text-muted"></p>
				</section>
			</div>
			<p data-part="spoken" class="sr-only" role="status"></p>
		</div>`;
}

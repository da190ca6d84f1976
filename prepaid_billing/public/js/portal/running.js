// The calls in progress on the balance page: asked for again and again while somebody looks. A page without this
// script shows them as they were when it was opened.
const EVERY = 10_000;
const PATIENCE = 8_000;

for (const section of document.querySelectorAll("[data-running]")) {
	const list = section.querySelector("ul");
	const words = section.querySelector("[data-running-words]").dataset;
	const state = document.querySelector("[data-live-state]");
	const address =
		"/api/method/prepaid_billing.api.calls.running?" +
		new URLSearchParams({ company: section.dataset.running });
	const language = document.documentElement.lang || "en";
	const currency = new Intl.NumberFormat(language, { style: "currency", currency: section.dataset.currency });
	const money = (amount) => currency.format(amount).replace("-", "\u2212");
	let seen = new Date();

	const line = (call) => {
		const item = document.createElement("li");
		const parts = [
			["pb-callee", call.callee || words.unknown],
			["pb-length", call.answered ? length(call.seconds) : words.ringing],
			["pb-number", money(call.amount)],
		];
		for (const [className, textContent] of parts)
			item.append(Object.assign(document.createElement("span"), { className, textContent }), " ");
		return item;
	};

	const show = (answer) => {
		// Status, its colour and its advice belong together: the server writes them anew.
		if (answer.level !== section.dataset.level) return location.reload();
		list.replaceChildren(...answer.calls.slice(0, 20).map(line));
		section.hidden = answer.calls.length === 0;
		state.hidden = true;
		figure("[data-available]", money(answer.available));
		figure("[data-held]", money(answer.reserved_balance));
		const minutes = document.querySelector("[data-minutes]");
		if (answer.minutes_left !== null)
			figure("[data-minutes]", minutes.dataset.minutes.replace("{0}", answer.minutes_left.toLocaleString(language)));
		const hint = document.querySelector("[data-held-hint]");
		hint.textContent = Number(answer.reserved_balance) ? hint.dataset.some : hint.dataset.none;
		seen = new Date();
	};

	// Why there is no new answer: no server, no login any more, or no right to look any more.
	const tell = (status) => {
		const time = seen.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
		const { stale, loggedOut, refused } = state.dataset;
		const why = status === 401 ? loggedOut : status === 403 || status === 404 ? refused : stale;
		state.querySelector("span").textContent = why.replace("{0}", time);
		state.querySelector("a").hidden = status !== 401;
		state.hidden = false;
	};

	const ask = async () => {
		if (!document.hidden) {
			try {
				const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
				if (answer.ok) show((await answer.json()).message);
				else tell(answer.status);
			} catch {
				tell();
			}
		}
		setTimeout(ask, EVERY);
	};
	setTimeout(ask, EVERY);
}

function length(seconds) {
	const two = (number) => String(number).padStart(2, "0");
	const minutes = Math.floor(seconds / 60);
	const rest = two(seconds % 60);
	return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

function figure(selector, text) {
	for (const element of document.querySelectorAll(selector))
		if (element.textContent !== text) element.textContent = text;
}

// The calls in progress on the balance page: asked for again and again while somebody looks. A page without this
// script shows them as they were when it was opened.
const EVERY = 10_000;
const PATIENCE = 8_000;

for (const section of document.querySelectorAll("[data-running]")) {
	const list = section.querySelector("ul");
	const state = section.querySelector("[data-running-state]");
	const texts = state.dataset;
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
			["pb-callee", call.callee || texts.unknown],
			["pb-length", call.answered ? length(call.seconds) : texts.ringing],
			["pb-number", money(call.amount)],
		];
		for (const [className, textContent] of parts)
			item.append(Object.assign(document.createElement("span"), { className, textContent }), " ");
		return item;
	};

	const show = (answer) => {
		list.replaceChildren(...answer.calls.slice(0, 20).map(line));
		section.hidden = answer.calls.length === 0;
		state.textContent = texts.fresh;
		state.classList.remove("pb-stale");
		figure("[data-available]", money(answer.available));
		figure("[data-held]", money(answer.reserved_balance));
		const hint = document.querySelector("[data-held-hint]");
		hint.textContent = Number(answer.reserved_balance) ? hint.dataset.some : hint.dataset.none;
		seen = new Date();
	};

	const tell = () => {
		const time = seen.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
		state.textContent = texts.stale.replace("{0}", time);
		state.classList.add("pb-stale");
	};

	const ask = async () => {
		if (!document.hidden) {
			try {
				const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
				if (!answer.ok) throw new Error(answer.statusText);
				show((await answer.json()).message);
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

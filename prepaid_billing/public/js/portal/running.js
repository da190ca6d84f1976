// The balance page while somebody looks: what is available, and the calls in progress, asked for again and again. A page
// without this script shows them as they were when it was opened. The server words everything, and only what has changed
// is written: a screen reader says again what is written again.
const EVERY = 10_000;
const PATIENCE = 8_000;

for (const section of document.querySelectorAll("[data-running]")) {
	const list = section.querySelector("ul");
	const more = section.querySelector("[data-more-running]");
	const state = document.querySelector("[data-live-state]");
	const address =
		"/api/method/prepaid_billing.api.calls.running?" +
		new URLSearchParams({ company: section.dataset.running });
	let as_of = state.dataset.asOf;

	const show_calls = (calls) => {
		while (list.children.length > calls.length) list.lastElementChild.remove();
		calls.forEach((call, number) => {
			const item = list.children[number] ?? list.appendChild(line());
			write(item.children[0], call.callee);
			write(item.children[1], call.length);
			write(item.children[2], call.cost);
		});
		section.hidden = calls.length === 0;
	};

	const show = async (answer) => {
		const words = answer.in_words;
		if (words.state !== section.dataset.state) {
			await renew("[data-status]");
			section.dataset.state = words.state;
		}
		show_calls(words.running);
		write(more, words.more_running);
		more.hidden = words.more_running === "";
		state.hidden = true;
		write(document.querySelector("[data-available]"), words.available);
		write(document.querySelector("[data-held]"), words.held);
		write(document.querySelector("[data-minutes]"), words.minutes || "–");
		const hint = document.querySelector("[data-held-hint]");
		write(hint, Number(answer.reserved_balance) ? hint.dataset.some : hint.dataset.none);
		as_of = words.as_of;
	};

	// Why there is no new answer: no server, no login any more, or no right to look any more.
	const tell = (status) => {
		const { stale, loggedOut, refused } = state.dataset;
		const why = status === 401 ? loggedOut : status === 403 || status === 404 ? refused : stale;
		write(state.querySelector("span"), why.replace("{0}", as_of));
		state.querySelector("a").hidden = status !== 401;
		state.hidden = false;
	};

	const ask = async () => {
		if (!document.hidden) {
			try {
				const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
				if (answer.ok) await show((await answer.json()).message);
				else tell(answer.status);
			} catch {
				tell();
			}
		}
		setTimeout(ask, EVERY);
	};
	setTimeout(ask, EVERY);
}

function line() {
	const item = document.createElement("li");
	for (const className of ["pb-callee", "pb-length", "pb-number"])
		item.append(Object.assign(document.createElement("span"), { className }), " ");
	return item;
}

function write(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

// Take a part of the page as the server makes it now: status, its colour and its advice belong together.
async function renew(selector) {
	const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE) });
	const page = new DOMParser().parseFromString(await answer.text(), "text/html");
	document.querySelector(selector).replaceChildren(...page.querySelector(selector).childNodes);
}

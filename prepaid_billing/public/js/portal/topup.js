// A comfort only: the form works without. While the payment page opens, the button says so and cannot be
// pressed again; the hidden key sees to it that even then one top-up is begun.
for (const form of document.querySelectorAll("[data-billing-topup]")) {
	const button = form.querySelector("[data-busy]");
	const label = button.textContent;

	form.addEventListener("submit", () => {
		button.disabled = true;
		button.textContent = button.dataset.busy;
	});

	form.querySelector("#amount-other").addEventListener("change", () => {
		form.querySelector("#other-amount").focus();
	});

	const typed = form.querySelector("#other-amount");
	const buys = form.querySelector("#buys");
	let waiting;
	let latest = 0;

	// What the own amount buys. Where the server does not answer, the page says nothing rather than something old.
	const tell = async () => {
		const turn = ++latest;
		const query = new URLSearchParams({ company: form.dataset.company, amount: typed.value });
		let text = "";
		try {
			const answer = await fetch(`/api/method/prepaid_billing.api.topup.offer?${query}`);
			const { minutes, net, tax, credited } = answer.ok ? (await answer.json()).message : {};
			text = [minutes && buys.dataset.minutes.replace("{0}", minutes),
				tax && buys.dataset.vat.replace("{0}", net).replace("{1}", tax),
				credited && buys.dataset.credited.replace("{0}", credited)].filter(Boolean).join(" · ");
		} catch {
			// Said by silence.
		}
		if (turn === latest) buys.textContent = text;
	};
	typed.addEventListener("input", () => {
		clearTimeout(waiting);
		waiting = setTimeout(tell, 300);
	});

	// The browser may bring the page back as it was left.
	window.addEventListener("pageshow", () => {
		button.disabled = false;
		button.textContent = label;
	});
}

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

	// The browser may bring the page back as it was left.
	window.addEventListener("pageshow", () => {
		button.disabled = false;
		button.textContent = label;
	});
}

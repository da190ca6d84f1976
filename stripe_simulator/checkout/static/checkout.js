// Comfort only: the form works the same without this file.
"use strict";

const form = document.querySelector("form");
const button = document.getElementById("pay");
const payLabel = button.textContent;

function digitsOf(input, most) {
	return input.value.replace(/\D/g, "").slice(0, most);
}

// Keep the cursor at its digit while spaces come and go around it.
function rewrite(input, format) {
	const before = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
	const text = format();
	if (text === input.value) return;
	input.value = text;
	let position = 0;
	for (let seen = 0; position < text.length && seen < before; position += 1) {
		if (/\d/.test(text[position])) seen += 1;
	}
	if (before === text.replace(/\D/g, "").length) position = text.length;
	input.setSelectionRange(position, position);
}

const number = document.getElementById("number");
number?.addEventListener("input", () => {
	rewrite(number, () => digitsOf(number, 19).replace(/(.{4})(?=.)/g, "$1 "));
});

const expiry = document.getElementById("expiry");
expiry?.addEventListener("input", () => {
	const value = expiry.value;
	const keepAsTyped = /^\d{0,2}$/.test(value) || /^\d\s*[/.-]/.test(value) || /[/.-]\s*20/.test(value);
	if (keepAsTyped) return;
	rewrite(expiry, () => digitsOf(expiry, 4).replace(/^(\d\d)(?=\d)/, "$1 / "));
});

form.addEventListener("submit", () => {
	button.disabled = true;
	button.textContent = form.dataset.paying;
});

// The browser's Back button may show the page as it was left.
window.addEventListener("pageshow", () => {
	button.disabled = false;
	button.textContent = payLabel;
});

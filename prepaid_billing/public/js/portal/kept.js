// What was typed is kept while its form is on the way: where the login had ended meanwhile, the form is sent to the
// login page and comes back as an empty one. And a page has several forms: what was typed into the others would be gone when
// one is saved. Kept in this tab alone, for the same user, and only until the next page.
const KEY = "prepaid_billing_typed";
const user = document.cookie.match(/(?:^|; )user_id=([^;]*)/)?.[1];
const kept = take();

const forms = [...document.querySelectorAll(".pb form[method=post]")];
const first = new Map(forms.map((form) => [form, JSON.stringify(fields_of(form))]));

for (const form of forms)
	form.addEventListener("submit", () => {
		const fields = fields_of(form);
		const changed = forms.filter((other) => other !== form && JSON.stringify(fields_of(other)) !== first.get(other));
		// Not form.action: a field of that name hides it.
		const path = new URL(form.getAttribute("action"), location.href).pathname;
		sessionStorage.setItem(KEY, JSON.stringify({ user, path, fields, others: changed.map(fields_of) }));
	});

const came_from_login = document.referrer && new URL(document.referrer).pathname === "/login";
if (kept && kept.user === user && kept.path === location.pathname) {
	const unsaved = kept.others.filter(put_back);
	if (came_from_login && put_back(kept.fields)) document.querySelector("[data-kept]").hidden = false;
	else if (unsaved.length) for (const note of document.querySelectorAll("[data-unsaved]")) note.hidden = false;
}
// Why a form was refused is there from the beginning, so that nothing would read it out. What was saved, the address points to.
document.querySelector("[data-outcome]")?.focus();

function fields_of(form) {
	return [...new FormData(form)].filter(([name]) => name !== "csrf_token");
}

function take() {
	const text = sessionStorage.getItem(KEY);
	sessionStorage.removeItem(KEY);
	return text && JSON.parse(text);
}

function put_back(fields) {
	const sent = new Map(fields);
	const same = ({ name, value }) => ["key", "csrf_token"].includes(name) || sent.get(name) === value;
	const form = forms.find((candidate) => [...candidate.querySelectorAll("input[type=hidden]")].every(same));
	if (!form) return false;
	for (const field of form.elements) {
		if (field.type === "checkbox" || field.type === "radio") field.checked = sent.get(field.name) === field.value;
		else if (field.type !== "hidden" && sent.has(field.name)) field.value = sent.get(field.name);
	}
	return true;
}

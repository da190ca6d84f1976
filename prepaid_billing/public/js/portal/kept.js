// What was typed is kept while its form is on the way: where the login had ended meanwhile, the form is sent to the
// login page and comes back as an empty one. Kept in this tab alone, for the same user, and only until the next page.
const KEY = "prepaid_billing_typed";
const user = document.cookie.match(/(?:^|; )user_id=([^;]*)/)?.[1];
const kept = take();

for (const form of document.querySelectorAll(".pb form[method=post]"))
	form.addEventListener("submit", () => {
		const fields = [...new FormData(form)].filter(([name]) => name !== "csrf_token");
		// Not form.action: a field of that name hides it.
		const path = new URL(form.getAttribute("action"), location.href).pathname;
		sessionStorage.setItem(KEY, JSON.stringify({ user, path, fields }));
	});

const came_from_login = document.referrer && new URL(document.referrer).pathname === "/login";
if (kept && came_from_login && kept.user === user && kept.path === location.pathname) put_back(kept.fields);

function take() {
	const text = sessionStorage.getItem(KEY);
	sessionStorage.removeItem(KEY);
	return text && JSON.parse(text);
}

function put_back(fields) {
	const sent = new Map(fields);
	const same = ({ name, value }) => ["key", "csrf_token"].includes(name) || sent.get(name) === value;
	const form = [...document.querySelectorAll(".pb form[method=post]")].find((candidate) =>
		[...candidate.querySelectorAll("input[type=hidden]")].every(same)
	);
	if (!form) return;
	for (const field of form.elements) {
		if (field.type === "checkbox" || field.type === "radio") field.checked = sent.get(field.name) === field.value;
		else if (field.type !== "hidden" && sent.has(field.name)) field.value = sent.get(field.name);
	}
	document.querySelector("[data-kept]").hidden = false;
}

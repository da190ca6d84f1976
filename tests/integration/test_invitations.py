"""Nobody becomes a user of a company without accepting it themselves, and nobody learns who has a login. Over HTTP."""

import re

import frappe

from prepaid_billing.portal import invitations
from tests import site
from tests.factories import invite, join_company, make_company, make_customer, make_user, new_id
from tests.inbox import Inbox
from tests.integration.test_settings_page import Portal, rights

HOME = "/business/billing"


def owner(company: str) -> Portal:
	return Portal(*make_customer(company, is_owner=True))


def text_of(answer: object) -> str:
	return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def answer(guest: Portal, company: str, action: str, **fields: str) -> object:
	"""Answer the latest invitation of a company on the balance page."""
	site.fresh()
	name = frappe.db.get_value("Billing Invitation", {"company": company}, "name", order_by="created_us desc")
	return guest.post(action, HOME, invitation=name, **fields)


def test_an_existing_login_belongs_to_the_company_only_after_accepting() -> None:
	own, other = make_company("5"), make_company("77.77")
	email, password = make_customer(own)
	inviting, invited = owner(other), Portal(email, password)
	assert inviting.post("invite", email=email, invite_may_top_up="1", gets_warnings="1").status_code == 303
	assert rights(other, email) is None
	page = text_of(invited.get(HOME))
	assert f"{other} invites you" in page and "77.77" not in page
	assert invited.get(f"{HOME}?company={other}").status_code == 404
	assert "Invited, not answered yet" in text_of(inviting.get())
	assert answer(invited, other, "accept").headers["Location"].endswith(f"company={other.replace(' ', '+')}")
	assert rights(other, email) == (0, 1, 0)
	assert "invites you" not in invited.get(HOME).text


def test_pages_and_payments_stay_with_the_company_one_has_belonged_to_longest() -> None:
	own = make_company("5", company_name=f"Zz {new_id()}")
	other = make_company("77.77", company_name=f"Aa {new_id()}")
	email, password = make_customer(own)
	join_company(email, other, may_top_up=True)
	portal = Portal(email, password)
	assert own in portal.get(f"{HOME}/topup").text
	assert "€5.00" in portal.get(HOME).text


def test_who_has_a_login_gets_one_mail_in_their_own_language(inbox: Inbox) -> None:
	company = make_company()
	email, _password = make_customer(make_company())
	frappe.db.set_value("User", email, "language", "de")
	frappe.db.commit()
	inviting = owner(company)
	for _time in range(2):
		assert inviting.post("invite", email=email, invite_may_top_up="1").status_code == 303
		site.fresh()
		name = frappe.db.get_value("Billing Invitation", {"company": company, "status": "Open"})
		inviting.post("withdraw", invitation=name)
	(mail,) = inbox.to(email)
	for kind in ("html", "plain"):
		body = " ".join(mail.get_body((kind,)).get_content().split())
		assert (
			f"{company} möchte Ihnen Zugang zum Guthaben der Firma geben." in body
			and "aufladen" in body
			and HOME in body
		)
		assert "eingegeben hat, um Sie einzuladen" in body
	assert company in mail["Subject"]


def test_no_mail_of_an_invitation_goes_to_staff_or_to_who_is_disabled(inbox: Inbox) -> None:
	inviting = owner(make_company())
	staff, (disabled, _password) = make_user("Prepaid Billing Manager"), make_customer(None)
	frappe.db.set_value("User", disabled, "enabled", 0)
	frappe.db.commit()
	for email in (staff, disabled):
		assert inviting.post("invite", email=email).status_code == 303
		assert inbox.to(email) == []


def test_a_declined_or_withdrawn_invitation_gives_nothing_and_cannot_be_accepted() -> None:
	company = make_company()
	email, password = make_customer(None)
	inviting, invited = owner(company), Portal(email, password)
	for action, who in (("decline", invited), ("withdraw", inviting)):
		assert inviting.post("invite", email=email).status_code == 303
		token = invited.token()
		if action == "decline":
			assert answer(who, company, action).status_code == 303
		else:
			site.fresh()
			name = frappe.db.get_value("Billing Invitation", {"company": company, "status": "Open"})
			assert who.post(action, invitation=name).status_code == 303
		assert answer(invited, company, "accept", csrf_token=token).status_code == 422
		assert rights(company, email) is None


def test_an_invitation_is_answered_by_who_it_is_for_alone() -> None:
	company, stranger = make_company(), Portal(*make_customer(make_company()))
	email, _password = make_customer(None)
	owner(company).post("invite", email=email)
	for action in ("accept", "decline"):
		assert answer(stranger, company, action).status_code == 422
	assert frappe.db.get_value("Billing Invitation", {"company": company}, "status") == "Open"


def test_an_address_without_a_login_gets_one_and_still_has_to_accept() -> None:
	company, email = make_company(), f"{new_id('new')}@example.com"
	assert owner(company).post("invite", email=email.upper()).status_code == 303
	site.fresh()
	assert frappe.db.get_value("User", email, ["user_type", "enabled"]) == ("Website User", 1)
	assert frappe.get_roles(email).count("Prepaid Billing Customer") == 1
	assert rights(company, email) is None


def test_the_answer_tells_nothing_about_the_address() -> None:
	company = make_company()
	inviting = owner(company)
	disabled, _password = make_customer(None)
	frappe.db.set_value("User", disabled, "enabled", 0)
	frappe.db.commit()
	known, _password = make_customer(None)
	seen = set()
	for email in (make_user("Prepaid Billing Manager"), disabled, known, f"{new_id('new')}@example.com"):
		posted = inviting.post("invite", email=email)
		page = text_of(inviting.get()).replace(email, "EMAIL")
		seen.add(
			(posted.status_code, posted.headers["Location"], page.count("Invited, not answered yet") > 0)
		)
		site.fresh()
		name = frappe.db.get_value(
			"Billing Invitation", {"company": company, "email": email, "status": "Open"}
		)
		inviting.post("withdraw", invitation=name)
	assert len(seen) == 1


def test_staff_are_shown_no_invitation_and_become_no_customer() -> None:
	company, staff = make_company(), make_user("Prepaid Billing Manager", "correct horse battery staple")
	owner(company).post("invite", email=staff)
	portal = Portal(staff, "correct horse battery staple")
	assert "invites you" not in portal.get(HOME).text
	assert rights(company, staff) is None


def test_a_day_has_a_limit_that_withdrawing_does_not_lift() -> None:
	company = make_company()
	inviting = owner(company)
	for _number in range(invitations.MOST_A_DAY):
		invite(f"{new_id('new')}@example.com", company)
	frappe.db.sql("UPDATE `tabBilling Invitation` SET status = 'Withdrawn' WHERE company = %s", (company,))
	frappe.db.commit()
	posted = inviting.post("invite", email=f"{new_id('new')}@example.com")
	assert posted.status_code == 429 and "people a day" in posted.text


def test_an_address_is_invited_once_at_a_time() -> None:
	company, email = make_company(), make_customer(None)[0]
	inviting = owner(company)
	assert inviting.post("invite", email=email).status_code == 303
	assert inviting.post("invite", email=email).status_code == 422
	assert frappe.db.count("Billing Invitation", {"company": company}) == 1

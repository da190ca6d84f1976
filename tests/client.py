"""The product's HTTP API as its callers meet it: real requests to the real web server."""

import requests

from tests import site


class Api:
	"""A caller of the API, with an API key or without. Answers are requests.Response."""

	def __init__(self, authorization: str | None = None) -> None:
		self.session = requests.Session()
		self.session.headers["Host"] = site.SITE_URL.split("//")[1]
		self.session.headers["Accept"] = "application/json"
		if authorization:
			self.session.headers["Authorization"] = authorization

	def post(self, method: str, **arguments: object) -> requests.Response:
		"""Call ``prepaid_billing.api.<method>`` with a JSON body."""
		return self.session.post(self._url(method), json=arguments, timeout=30)

	def get(self, method: str, **arguments: object) -> requests.Response:
		"""Call ``prepaid_billing.api.<method>`` with a query string."""
		return self.session.get(self._url(method), params=arguments, timeout=30)

	def ok(self, method: str, **arguments: object) -> dict:
		"""Post, insist on 200 and return the message."""
		answer = self.post(method, **arguments)
		assert answer.status_code == 200, answer.text
		return answer.json()["message"]

	def raw(self, path: str, body: bytes, **headers: str) -> requests.Response:
		"""Post bytes to a path of the site."""
		return self.session.post(f"{site.WEB_URL}{path}", data=body, headers=headers, timeout=30)

	def _url(self, method: str) -> str:
		return f"{site.WEB_URL}/api/method/prepaid_billing.api.{method}"

"""What lies under a session: the connections of requests, as an access wants them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhirconv.access import Access
from fhirconv.version import VERSION

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests import Session as Requests
    from requests.adapters import HTTPAdapter

LEAST = 10  # connections that are kept


def opened(
    access: Access, address: str, environment: Mapping[str, str], connections: int
) -> "Requests":
    """Return a session of requests that goes by what is asked for, and by no file of its own.

    It keeps so many connections; none is open yet. Raises UsageError for files of certificates
    that are none.
    """
    import requests
    from requests.utils import get_environ_proxies

    made = requests.Session()
    made.proxies = dict.fromkeys(("http", "https"), access.proxy)
    if not access.proxy:
        made.proxies = dict(get_environ_proxies(address))
    made.trust_env = False  # or a .netrc would sign what we do not, and REQUESTS_CA_BUNDLE win
    made.verify = access.trusted(environment)
    made.headers["User-Agent"] = f"fhirconv/{VERSION}"
    made.headers.update(access.headers)
    for scheme in ("http://", "https://"):
        made.mount(scheme, _adapter(access.context(), max(connections, LEAST)))
    return made


def _adapter(context: ssl.SSLContext | None, connections: int) -> "HTTPAdapter":
    """Return what opens and keeps connections, with a context of TLS where there is one."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *places: Any, **named: Any) -> None:
            super().init_poolmanager(*places, **named, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
            return super().proxy_manager_for(proxy, **named, ssl_context=context)

    return Adapter(pool_maxsize=connections) if context else HTTPAdapter(pool_maxsize=connections)


@dataclass
class Forms:
    """Requests made ready for the wire: quick where only the body differs from the last one."""

    session: "Requests"
    _known: tuple[tuple[Any, ...], "PreparedRequest"] | None = None

    def fill(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, signed: str
    ) -> "PreparedRequest":
        """Return a request with a body, signed by an authorization where there is one."""
        key = (method, url, *headers.items())
        known = self._known
        if known is None or known[0] != key or self.session.cookies:
            from requests import Request

            plain = Request(method, url, headers=dict(headers))
            known = self._known = (key, self.session.prepare_request(plain))
        made = known[1].copy()
        if body is not None:
            made.body = body
            made.headers["Content-Length"] = str(len(body))
        if signed:
            made.headers["Authorization"] = signed
        return made

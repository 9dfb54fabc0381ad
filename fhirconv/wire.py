"""What lies under a session: the connections of requests, as an access wants them."""

import ssl
from collections.abc import Callable, Mapping
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


def signing(authorization: str) -> Callable[["PreparedRequest"], "PreparedRequest"]:
    """Return what signs a request of requests."""

    def sign(request: "PreparedRequest") -> "PreparedRequest":
        request.headers["Authorization"] = authorization
        return request

    return sign

"""Where a request comes from: which machine, which page, and under which name of the service."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import IPv6Address, IPv6Network, ip_address

from fastapi import Request
from starlette.exceptions import HTTPException

from rag_service.core.settings import Settings, is_loopback

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def needs_key(request: Request, settings: Settings) -> bool:
    """Whether this request is served to holders of a key alone.

    With ``auto`` it is, unless it came straight to the loopback interface: a proxy on this machine
    brings requests of others.
    """
    if settings.needs_keys or settings.auth == "off":
        return settings.needs_keys
    server = request.scope.get("server") or ("", None)
    return not is_loopback(server[0]) or _forwarded(request)


def on_loopback(request: Request) -> bool:
    """Whether it comes straight from this machine."""
    return is_loopback(_host(request)) and not _forwarded(request)


def client_address(request: Request) -> str:
    """The client's address; of IPv6 the network, of which one client has all addresses."""
    try:
        address = ip_address(_host(request))
    except ValueError:
        return _host(request) or "unknown"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def check_host(request: Request, settings: Settings) -> None:
    """Refuse a name that nobody gave the service, where no key protects it.

    Another site's page may have its own name point to this machine, and would then be taken for
    the service's own. It cannot do so with an address, or with ``localhost``.
    """
    named = settings.named_hosts
    if "*" in named or (not named and needs_key(request, settings)):
        return
    host = _name(request.headers.get("host", ""))
    if host in named or host == "localhost" or _is_address(host):
        return
    raise HTTPException(
        HTTPStatus.MISDIRECTED_REQUEST,
        f"the service is not known as {host[:100]!r}: add the name to RAGLOOP_ALLOWED_HOSTS",
    )


def check_page(request: Request) -> None:
    """Refuse what a page of another site, open in the user's browser, would have done."""
    if request.method in _READS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Browsers send the first to trustworthy addresses alone, the second to all.
    own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if site not in {"same-origin", "none"} if site else not own:
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "another site's page may not do this: use the service's own"
        )


def _host(request: Request) -> str:
    return request.client.host if request.client else ""


def _forwarded(request: Request) -> bool:
    return any(name in request.headers for name in _FORWARDED)


def _name(host: str) -> str:
    """Without the port, in lower case; an IPv6 address without its brackets."""
    name, colon, port = host.strip().lower().rpartition(":")
    if not colon or not port.isdigit():
        name = host.strip().lower()
    return name.strip("[]").removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

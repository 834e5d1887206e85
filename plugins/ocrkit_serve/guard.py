"""What every request must pass before anything of it is looked at."""

import asyncio
import hmac
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.page_files import PAGE_FILES

OPEN = {"/health", "/ready", *PAGE_FILES}
"""What can be asked for without a key: the page asks for one itself."""
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Refuses requests without the key, of other sites, and that are too large or too slow.

    Without a ``key`` only this machine can ask, and then only by one of its own names: a name of
    somebody else's that leads here (DNS rebinding) would make a page of theirs one of ours. There
    are no CORS headers, so that other sites' pages read no answers.
    """

    def __init__(self, app: ASGIApp, limits: Limits, key: str | None, metrics: Metrics) -> None:
        self._app = app
        self._limits = limits
        self._key = key
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
                path = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(path, str(message["status"])).inc()
            await send(message)

        try:
            self._check(scope, Headers(scope=scope))
        except HTTPException as refusal:
            refused = JSONResponse({"error": refusal.detail}, refusal.status_code)
            await refused(scope, receive, answer)
        else:
            await self._app(scope, self._limited(receive), answer)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises HTTPException where a request is not even looked at."""
        host = headers.get("host", "")
        if self._key is None and urlsplit(f"//{host}").hostname not in _LOCAL:
            raise HTTPException(
                403, f"Host {host!r}; expected localhost, or give the service a key"
            )
        given = headers.get("x-api-key", "").encode()
        if (
            self._key is not None
            and scope["path"] not in OPEN
            and not hmac.compare_digest(given, self._key.encode())
        ):
            raise HTTPException(401, "no key, or a wrong one; expected it in the header X-Api-Key")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise HTTPException(403, "a request of another site")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limits.bytes:
            raise self._too_large()

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"more than {self._limits.megabytes} MB, the limit")

    def _limited(self, receive: Receive) -> Receive:
        """The same, but raising HTTPException where a body gets too large, or takes too long."""
        end = time.monotonic() + self._limits.seconds
        size, whole = 0, False

        async def limited() -> Message:
            nonlocal size, whole
            if whole:  # what comes now is that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), end - time.monotonic())
            except TimeoutError:
                reason = f"not sent within {self._limits.seconds} seconds, the limit"
                raise HTTPException(408, reason) from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > self._limits.bytes:
                raise self._too_large()
            return message

        return limited

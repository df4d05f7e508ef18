"""HTTP as a guest should use it: spaced requests, time-outs, and patience with faults that pass."""

import email.utils
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

import httpx
from tqdm import tqdm

from acrflow import __version__
from acrflow.io.errors import InputError

Answer = TypeVar("Answer")
PASSING_STATUS = frozenset({408, 425, 429})  # and all from 500 on
LONGEST_WAIT = 600.0  # seconds: a server that asks for more than this is not waited for
LONGEST_ANSWER = 300.0  # seconds for one whole answer, however steadily it drips
TOLD_WAIT = 3.0  # seconds from which a wait is told, so that nobody takes it for a standstill
LARGEST_ANSWER = 500_000_000  # bytes


class PassingFault(Exception):
    """A fault worth another attempt; `retry_after` is the wait in seconds that the server asked for, if it did."""

    def __init__(self, what: str, retry_after: float | None = None):
        super().__init__(what)
        self.retry_after = retry_after


class Retries:
    """The one way in which requests are repeated: back-off, Retry-After and an end. Several threads may share one.

    Args:
        attempts: requests sent before giving up.
        backoff: seconds before the second attempt (plus up to as much again by chance); doubles each time, up to 60.
        secret: text that no message shows.
        sleep, seed: clock and chance, for tests.
    """

    def __init__(
        self,
        attempts: int = 8,
        backoff: float = 1.0,
        secret: str = "",
        sleep: Callable[[float], None] = time.sleep,
        seed: int | None = None,
    ):
        self._attempts, self._backoff, self._secret, self._sleep = attempts, backoff, secret, sleep
        self._random = random.Random(seed)

    def until_accepted(self, url: str, send: Callable[[], Answer], pause: float = 0.0) -> Answer:
        """What `send` returns, called again while it raises `PassingFault` or the network fails.

        Args:
            url: whom to name in an error.
            send: sends the request once.
            pause: seconds to wait before each attempt, the first one included.

        Raises:
            InputError: all attempts failed, the server asks for too long a wait, or the address is none.
        """
        fault = PassingFault("no attempt made")
        for attempt in range(self._attempts):
            wait = pause if attempt == 0 else max(pause, self._wait(attempt, fault, url))
            if wait >= TOLD_WAIT:
                again = f"attempt {attempt + 1} of {self._attempts} in {wait:.0f} s"
                # above a progress bar, if there is one
                tqdm.write(f"{url}: {self.shown(fault)}; {again}", file=sys.stderr)
            if wait:
                self._sleep(wait)
            try:
                return send()
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise InputError(url, f"not an address: {error}", "write it as https://host/path") from None
            except httpx.LocalProtocolError:  # its text shows the header, and with it a key
                raise InputError(url, "a key or address holds a sign that HTTP cannot carry", "check both") from None
            except PassingFault as error:
                fault = error
            except httpx.RequestError as error:  # no network, time-out, answer cut off
                fault = PassingFault(f"{type(error).__name__} {error}".strip())
        remedy = "check the network and the address, then run the same command again: what has arrived is kept"
        what = f"{self._attempts} attempts failed, the last one with: {self.shown(fault)}"
        raise InputError(url, what, remedy) from None

    def shown(self, what: object) -> str:
        """A message without the secret."""
        return str(what).replace(self._secret, "***") if self._secret else str(what)

    def _wait(self, attempt: int, fault: PassingFault, url: str) -> float:
        """Seconds before this attempt: what the server asked for, else exponential back-off with jitter."""
        jittered = min(60.0, self._backoff * 2 ** (attempt - 1)) * (1 + self._random.random())
        wanted = fault.retry_after or 0.0
        if wanted > LONGEST_WAIT:
            what = f"the server asks for a wait of {wanted:.0f} s ({self.shown(fault)})"
            raise InputError(url, what, "run it again after that")
        return max(jittered, wanted)


def exchange(
    client: httpx.Client, method: str, url: str, longest: float = LONGEST_ANSWER, **parts: Any
) -> tuple[int, bytes]:
    """One request: status and whole body of an answer that is no passing fault.

    Args:
        longest: seconds for the whole answer, however steadily it drips.
        parts: params, data, json: as httpx takes them.

    Raises:
        PassingFault: the server says that another attempt may succeed, or the answer took too long.
        InputError: the answer exceeds `LARGEST_ANSWER`.
    """
    start, body = time.monotonic(), bytearray()
    with client.stream(method, url, **parts) as response:
        for chunk in response.iter_bytes():
            body += chunk
            if time.monotonic() - start > longest:
                raise PassingFault(f"the answer took more than {longest:.0f} s")
            if len(body) > LARGEST_ANSWER:
                raise InputError(url, "the answer exceeds 500 MB", "check the address")
    if response.status_code in PASSING_STATUS or response.status_code >= 500:
        raise PassingFault(f"HTTP status {response.status_code}", retry_after(response.headers.get("retry-after")))
    return response.status_code, bytes(body)


class PoliteClient:
    """Sends requests one after the other, never two within `pause` seconds, and repeats those that fail in passing.

    The pause counts from the end of one answer to the start of the next request, so that the server sees
    at most 1 / `pause` requests a second whatever the network does to their spacing.

    Args:
        pause: seconds between an answer and the next request; also waited before the first one.
        timeout: seconds without a byte after which a request counts as failed.
        attempts, backoff, sleep, seed: see `Retries`.
        agent: the user agent that the server is told; None for `user_agent()`.
    """

    def __init__(
        self,
        pause: float,
        timeout: float = 60.0,
        attempts: int = 8,
        backoff: float = 1.0,
        agent: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        seed: int | None = None,
    ):
        self._pause, self._retries = pause, Retries(attempts, backoff, sleep=sleep, seed=seed)
        self._client = httpx.Client(
            timeout=timeout, headers={"User-Agent": agent or user_agent()}, follow_redirects=True
        )

    def __enter__(self) -> "PoliteClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        url: str,
        check: Callable[[int, bytes], Answer],
        params: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request until `check` accepts its answer.

        Args:
            method: GET or POST.
            url: address without query.
            check: takes status and body of an answer that is no passing HTTP fault; returns what the caller wants,
                raises `PassingFault` to have the request repeated, or any other error to give up.
            params: the query.
            data: the form of a POST. It appears in no error, so a secret belongs here and not in `params`.

        Raises:
            InputError: all attempts failed, or the address is none.
        """
        send = lambda: check(*exchange(self._client, method, url, params=params, data=data))  # noqa: E731
        return self._retries.until_accepted(url, send, self._pause)


def user_agent(contact: str | None = None) -> str:
    """Who asks: this program with its version, and the user's address if it is given."""
    who = f"imaging-guideline workflow; {contact}" if contact else "imaging-guideline workflow"
    return f"acrflow/{__version__} ({who}) python-httpx/{httpx.__version__}"


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as a date; None without a usable one."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())

"""The server backend: any OpenAI-compatible chat server, for instance a prompted reference of 405 B parameters."""

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from acrflow.inference.backend import Choice, Conversation, Decoding, Generated, batch_seed
from acrflow.io.errors import InputError
from acrflow.io.http import LONGEST_WAIT, PASSING_STATUS, retry_after

ATTEMPTS = 8
TIMEOUT = 600.0  # seconds without a byte: a long completion of a large model sends nothing until it is done
BACKOFF = 1.0  # seconds before the second attempt, doubled each time, up to 60


class ServerBackend:
    """Chat completions over HTTP, several at a time; faults that pass are repeated.

    The server holds the model, so that an adapter is one of its names: give each its own `Choice`.
    """

    def __init__(self, choice: Choice, sleep: Callable[[float], None] = time.sleep):
        if choice.adapters:
            raise InputError("evaluation.backend", "a server loads no adapters from here", "name the served model")
        self._model, self._server, self._sleep = choice.base.model, choice.server, sleep
        self._key = os.environ.get(choice.server.key, "")
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(base_url=choice.server.url.rstrip("/"), headers=headers, timeout=TIMEOUT)

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        """See `Backend.generate`; whether a seed repeats a sampled run is the server's affair."""
        bodies = []
        for place, conversation in enumerate(conversations):
            body: dict[str, Any] = {"model": self._model, "messages": conversation, "temperature": 0.0}
            body["max_tokens"] = decoding.max_new_tokens
            if decoding.seed is not None:
                seed = batch_seed(decoding.seed, batch_number) + place
                body |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "seed": seed}
            bodies.append(body)
        with ThreadPoolExecutor(self._server.at_once) as pool:
            return list(pool.map(self._complete, bodies))

    def choose(
        self,
        conversations: Sequence[Conversation],
        openings: Sequence[str],
        candidates: Sequence[str],
        adapter: str | None = None,
    ) -> list[list[float] | None]:
        """Not known: the chat protocol has no way to ask."""
        return [None] * len(conversations)

    def _complete(self, body: dict[str, Any]) -> Generated:
        answer = self._ask(body)
        try:
            choice = answer["choices"][0]
            text = choice["message"].get("content") or ""
            tokens = int(answer.get("usage", {}).get("completion_tokens", 0))
            return Generated(text, tokens, choice.get("finish_reason") == "length")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._error(f"the answer is no chat completion ({type(error).__name__}: {error})") from None

    def _ask(self, body: dict[str, Any]) -> Any:
        """The server's answer, asked for again while faults are of the passing kind."""
        fault, wait = "", 0.0
        for attempt in range(ATTEMPTS):
            if attempt:
                backoff = min(60.0, BACKOFF * 2 ** (attempt - 1)) * (1 + random.random())
                self._sleep(max(wait, backoff))
            wait = 0.0
            try:
                answer = self._client.post("/chat/completions", json=body)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise self._error(f"not an address: {error}") from None
            except httpx.RequestError as error:
                fault = f"{type(error).__name__} {error}".strip()
                continue
            if answer.status_code in PASSING_STATUS or answer.status_code >= 500:
                fault = f"HTTP status {answer.status_code}"
                wait = min(retry_after(answer.headers.get("retry-after")) or 0.0, LONGEST_WAIT)
                continue
            if answer.status_code in (401, 403):
                what = f"the server refuses the key in {self._server.key} (status {answer.status_code})"
                raise InputError(self._server.url, what, f"set {self._server.key} in the environment to a valid key")
            if answer.status_code != 200:
                raise self._error(f"HTTP status {answer.status_code}: {answer.text[:300]}")
            try:
                return answer.json()
            except ValueError:
                fault = "the answer is not JSON"
        raise self._error(f"{ATTEMPTS} attempts failed, the last one with: {fault}")

    def _error(self, what: str) -> InputError:
        """An error without the key, whatever the server said."""
        shown = what.replace(self._key, "***") if self._key else what
        remedy = f"check the address and the model's name ({self._model}); what is done is kept, run it again"
        return InputError(self._server.url, shown, remedy)

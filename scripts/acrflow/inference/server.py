"""The server backend: any OpenAI-compatible chat server, for instance a prompted reference of 405 B parameters."""

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Conversation, Decoding, Generated, batch_seed
from acrflow.io.errors import InputError
from acrflow.io.http import PassingFault, Retries, exchange

TIMEOUT = 600.0  # seconds without a byte: a long completion of a large model sends nothing until it is done
ANSWER_TIME = 3600.0  # seconds for a whole answer


class ServerBackend:
    """Chat completions over HTTP, several at a time; faults that pass are repeated.

    The server holds the model, so that an adapter is one of its names: give each its own settings.

    Args:
        settings: address, the environment variable with the key, and the model's name there.
        at_once: requests under way at a time.
        sleep: clock, for tests.
    """

    def __init__(self, settings: LanguageModel, at_once: int, sleep: Callable[[float], None] = time.sleep):
        self._model, self._variable, self._at_once = settings.model, settings.key, at_once
        self._address = f"{settings.url.rstrip('/')}/chat/completions"
        key = os.environ.get(settings.key, "").strip()  # sent only if it is set, shown nowhere
        self._retries = Retries(secret=key, sleep=sleep)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT)

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        """See `Backend.generate`; whether a seed repeats a sampled run is the server's affair."""
        bodies = []
        for index, conversation in enumerate(conversations):
            body: dict[str, Any] = {"model": self._model, "messages": conversation, "temperature": 0.0}
            body["max_tokens"] = decoding.max_new_tokens
            if decoding.seed is not None:
                seed = batch_seed(decoding.seed, batch_number) + index
                body |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "seed": seed}
            bodies.append(body)
        with ThreadPoolExecutor(self._at_once) as pool:
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
        """The server's answer to one request."""

        def send() -> Any:
            return self._accepted(*exchange(self._client, "POST", self._address, ANSWER_TIME, json=body))

        answer = self._retries.until_accepted(self._address, send)
        try:
            choice = answer["choices"][0]
            text = choice["message"].get("content") or ""
            tokens = int(answer.get("usage", {}).get("completion_tokens", 0))
            return Generated(text, tokens, choice.get("finish_reason") == "length")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._error(f"the answer is no chat completion ({type(error).__name__}: {error})") from None

    def _accepted(self, status: int, body: bytes) -> Any:
        """An answer's JSON."""
        if status in (401, 403):
            what = f"the server refuses the key in {self._variable} (status {status})"
            raise InputError(self._address, what, f"set {self._variable} in the environment to a valid key")
        if status != 200:
            raise self._error(f"HTTP status {status}: {body[:300].decode(errors='replace')}")
        try:
            return json.loads(body)
        except ValueError:
            raise PassingFault("the answer is not JSON") from None

    def _error(self, what: str) -> InputError:
        """An error without the key, whatever the server said."""
        remedy = f"check the address and the model's name ({self._model}); what is done is cached, run it again"
        return InputError(self._address, self._retries.shown(what), remedy)

"""The server backend, against a real HTTP server on loopback that speaks the chat protocol, with its faults."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Decoding
from acrflow.inference.server import ServerBackend
from acrflow.io.errors import InputError

KEY = "sk-not-to-be-shown"


class ChatServer(ThreadingHTTPServer):
    """Answers a chat with what `say` makes of its last message (capitals); `faults` are sent first, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.faults: list[tuple[int, str, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.say: Callable[[str], str] = str.upper

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append({**body, "path": self.path})
            self.server.headers_seen.append(dict(self.headers))
            status, text, headers = self.server.faults.pop(0) if self.server.faults else (200, "", {})
        if status == 200 and not text:
            said = self.server.say(body["messages"][-1]["content"])
            choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            if len(said.split()) > body["max_tokens"]:
                choice = {
                    "message": {"content": " ".join(said.split()[: body["max_tokens"]])},
                    "finish_reason": "length",
                }
            text = json.dumps({"choices": [choice], "usage": {"completion_tokens": 2}})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ChatServer]:
    running = ChatServer()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def backend(server: ChatServer, waits: list[float] | None = None) -> ServerBackend:
    settings = LanguageModel(model="big-model", backend="server", url=server.url, key="ACRFLOW_TEST_KEY")
    return ServerBackend(settings, at_once=4, sleep=(waits if waits is not None else []).append)


def asked(*texts: str) -> list[list[dict[str, str]]]:
    return [[{"role": "system", "content": "judge"}, {"role": "user", "content": text}] for text in texts]


def test_answers_come_in_the_order_of_the_questions(server: ChatServer) -> None:
    texts = [f"question {number}" for number in range(20)]
    said = backend(server).generate(asked(*texts), Decoding(5), 0)
    assert [one.text for one in said] == [text.upper() for text in texts]
    assert {(one.tokens, one.truncated) for one in said} == {(2, False)}
    first = server.requests[0]
    assert (first["path"], first["model"], first["temperature"], first["max_tokens"]) == (
        "/v1/chat/completions", "big-model", 0.0, 5
    )  # fmt: skip
    assert "seed" not in first


def test_a_completion_at_the_length_limit_is_marked(server: ChatServer) -> None:
    assert backend(server).generate(asked("one two three"), Decoding(2), 0)[0].truncated


def test_a_sampled_run_sends_its_seeds_and_another_batch_sends_others(server: ChatServer) -> None:
    decoding = Decoding(5, seed=3, temperature=0.7, top_p=0.9)
    for batch in (0, 1, 0):
        backend(server).generate(asked("a", "b"), decoding, batch)
    seeds = [sorted(one["seed"] for one in server.requests[start : start + 2]) for start in (0, 2, 4)]
    assert seeds[0] == seeds[2] != seeds[1] and len(set(seeds[0])) == 2
    assert {(one["temperature"], one["top_p"]) for one in server.requests} == {(0.7, 0.9)}


def test_passing_faults_are_waited_out_and_retry_after_is_obeyed(server: ChatServer) -> None:
    server.faults = [(429, "slow down", {"Retry-After": "7"}), (503, "", {}), (200, "<html>", {})]
    waits: list[float] = []
    assert backend(server, waits).generate(asked("hello"), Decoding(5), 0)[0].text == "HELLO"
    assert len(waits) == 3 and waits[0] >= 7


def test_the_key_is_sent_and_never_shown(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACRFLOW_TEST_KEY", KEY)
    server.faults = [(404, f"no model for {KEY}", {})]
    with pytest.raises(InputError, match="status 404") as caught:
        backend(server).generate(asked("hello"), Decoding(5), 0)
    assert server.headers_seen[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value)


def test_a_refused_key_names_its_variable(server: ChatServer) -> None:
    server.faults = [(401, "who are you", {})]
    with pytest.raises(InputError, match="set ACRFLOW_TEST_KEY in the environment"):
        backend(server).generate(asked("hello"), Decoding(5), 0)
    assert len(server.requests) == 1


def test_a_server_that_stays_down_is_given_up(server: ChatServer) -> None:
    server.faults = [(500, "", {})] * 8
    with pytest.raises(InputError, match="8 attempts failed"):
        backend(server).generate(asked("hello"), Decoding(5), 0)
    assert len(server.requests) == 8


def test_a_server_that_asks_for_too_long_a_wait_is_given_up(server: ChatServer) -> None:
    server.faults = [(429, "", {"Retry-After": "3600"})]
    with pytest.raises(InputError, match="asks for a wait of 3600 s"):
        backend(server).generate(asked("hello"), Decoding(5), 0)


def test_a_key_that_no_header_can_carry_is_not_shown(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACRFLOW_TEST_KEY", f"{KEY}\n{KEY}\n")
    with pytest.raises(InputError, match="sign that HTTP cannot carry") as caught:
        backend(server).generate(asked("hello"), Decoding(5), 0)
    assert KEY not in str(caught.value)


def test_an_answer_that_is_no_completion_is_named(server: ChatServer) -> None:
    server.faults = [(200, '{"choices": []}', {})]
    with pytest.raises(InputError, match="no chat completion"):
        backend(server).generate(asked("hello"), Decoding(5), 0)


def test_probabilities_are_not_known(server: ChatServer) -> None:
    assert backend(server).choose(asked("a", "b"), ["", ""], ["x", "y"]) == [None, None]

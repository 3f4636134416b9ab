"""Readiness is read from what services say over HTTP; a small server says it here."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from trunkline_embedded.ports import free_port
from trunkline_launcher.layout import Layout, default_layout
from trunkline_launcher.readiness import missing_definitions, reasons_unready

DEFINED = """
trunkline_console_definitions{kind="queues"} 2.0
trunkline_console_definitions{kind="agents"} 2.0
trunkline_console_definitions{kind="flows"} 1.0
trunkline_console_definitions{kind="entry_points"} 2.0
"""
KNOWN = """
trunkline_acd_queues 2.0
trunkline_acd_agents 2.0
trunkline_ivr_flows 1.0
trunkline_channels_entry_points 2.0
"""


class Answers:
    """One HTTP server in the place of all services."""

    def __init__(self) -> None:
        self.pages = {"/metrics": (200, DEFINED + KNOWN), "/readyz": (200, "ok\n")}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, text = pages[self.path]
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def answers() -> Iterator[tuple[Answers, Layout]]:
    says = Answers()
    with ThreadingHTTPServer(("127.0.0.1", 0), says.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports = dict.fromkeys(default_layout({}).ports, server.server_address[1])
        yield says, Layout(data=Path("unused"), kafka="", mongo="", ports=ports)
        server.shutdown()


def test_a_service_is_ready_when_it_says_so(answers):
    _, layout = answers
    assert reasons_unready(layout, "acd") == []


def test_a_service_that_is_not_ready_says_why(answers):
    says, layout = answers
    says.pages["/readyz"] = (503, "acd-ledger\nacd-owners\n")
    assert reasons_unready(layout, "acd") == ["acd-ledger", "acd-owners"]


def test_nobody_there_is_not_ready():
    layout = Layout(data=Path("unused"), kafka="", mongo="", ports={"ACD_HTTP": free_port()})
    assert reasons_unready(layout, "acd") == ["no answer"]


def test_nothing_is_missing_when_each_service_knows_its_part_of_the_directory(answers):
    _, layout = answers
    assert missing_definitions(layout) == []


@pytest.mark.parametrize(
    "gauge, sentence",
    [
        ("trunkline_acd_queues", "acd knows 1 of 2 queues"),
        ("trunkline_acd_agents", "acd knows 1 of 2 agents"),
        ("trunkline_channels_entry_points", "channels knows 1 of 2 entry points"),
    ],
)
def test_what_a_service_does_not_know_yet_is_named(answers, gauge, sentence):
    says, layout = answers
    says.pages["/metrics"] = (200, (DEFINED + KNOWN).replace(f"{gauge} 2.0", f"{gauge} 1.0"))
    assert missing_definitions(layout) == [sentence]


def test_a_service_without_figures_knows_nothing(answers):
    says, layout = answers
    says.pages["/metrics"] = (200, DEFINED)
    assert "ivr knows 0 of 1 flows" in missing_definitions(layout)

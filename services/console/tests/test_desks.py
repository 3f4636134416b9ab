"""Desks of one tenant: which contacts are watched, and what a desk that comes is shown."""

import contextlib
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd_commands
from trunkline.acd.v1 import acd_service_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import AgentRow, AgentView, CallIn, Preference, WorkItem, WorkState
from trunkline.contact.v1 import contact_service_pb2 as contact
from trunkline.contact.v1.contact_types_pb2 import (
    ConsultationState,
    ConsultationView,
    ContactView,
    MessageView,
    MonitoringMode,
    MonitoringView,
    NoteView,
    Party,
    WhisperView,
)
from trunkline_console.application import desk_room
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.desks import MAX_READERS, Desk, Desks, Reader
from trunkline_console.application.views import agent_view_json, work_json
from trunkline_console.application.wall import agent_json
from trunkline_console.application.wishes import ColleagueMessage, Consult, Transfer, read_wish
from trunkline_core.errors import Invalid, Transient
from waiting import until

CONTACT = "ct_0123456789abcdef_one"


async def nobody(customer_id: str) -> dict[str, Any] | None:
    return None


def agent() -> acd.SessionResponse:
    return acd.SessionResponse(agent=AgentView(agent_id="ag_li", version=1, work=[WorkItem(contact_id=CONTACT)]))


def conversation(text: str) -> contact.SessionResponse:
    view = ContactView(contact_id=CONTACT, version=3, messages=[MessageView(message_no=1, text=text)])
    return contact.SessionResponse(contact=view)


def shown_texts(desk: Desk) -> list[str]:
    frames = [desk.frames.get_nowait() for _ in range(desk.frames.qsize())]
    contacts = [frame["contact"] for frame in frames if frame and frame["type"] == "contact"]
    return [message["text"] for found in contacts for message in found["messages"]]


def test_a_console_says_whose_desks_it_has() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "first")
    desks.open(desk)
    desks.open(Desk("ag_wang", "other"))
    assert [*desks.held().agent_ids] == ["ag_li", "ag_wang"]
    desks.close(desk)
    assert [*desks.held().agent_ids] == ["ag_wang"]


def test_a_desk_that_replaces_another_is_told_anew_so_that_nothing_erased_is_shown() -> None:
    desks, watched = Desks(nobody, lambda _: None), list[list[str]]()
    desks.tell_channels = lambda request: watched.append([*request.watch_contacts.contact_ids])
    first, second = Desk("ag_li", "first"), Desk("ag_li", "second")
    desks.open(first)
    desks.on_agent(agent())
    desks.on_contact(conversation("my number is 13800000000"))
    assert shown_texts(first) == ["my number is 13800000000"]
    watched.clear()
    desks.open(second)
    assert watched == [[], [CONTACT]], "channels tells from the first message on what is watched anew"
    desks.on_contact(conversation(""))
    assert shown_texts(second) == [""]


def seated(session_id: str, version: int) -> acd.SessionResponse:
    return acd.SessionResponse(agent=AgentView(agent_id="ag_li", version=version, session_id=session_id))


def kinds(desk: Desk) -> list[str | None]:
    frames = [desk.frames.get_nowait() for _ in range(desk.frames.qsize())]
    return [frame and frame["type"] for frame in frames]


def test_a_desk_whose_agent_sits_down_at_another_console_is_told_and_ended() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "ours")
    desks.open(desk)
    desks.on_agent(seated("older", 1))
    desks.on_agent(seated("ours", 2))
    assert kinds(desk) == ["agent", "agent"], "what another desk was before ours is not newer"
    desks.on_agent(seated("newer", 3))
    assert (kinds(desk), desks.has(desk)) == (["replaced", None], False)
    assert [*desks.held().agent_ids] == []


def test_a_desk_stays_with_an_acd_that_does_not_say_where_its_agent_sits() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "ours")
    desks.open(desk)
    desks.on_agent(seated("ours", 1))
    desks.on_agent(seated("", 2))
    assert desks.has(desk)


def test_a_console_says_which_supervisors_have_a_page_open_and_at_once_where_one_comes() -> None:
    desks, told = Desks(nobody, lambda _: None), list[list[str]]()
    desks.tell_channels = lambda request: told.append([*request.heartbeat.supervisor_ids])
    with desks.supervised_by("us_zhao"):
        assert told == [["us_zhao"]]
        with desks.supervised_by("us_zhao"), desks.supervised_by("us_chen"):
            assert desks.supervisors() == ["us_chen", "us_zhao"]
        assert desks.supervisors() == ["us_zhao"], "one of two pages is still there"
    assert desks.supervisors() == []


def test_supervisor_whose_role_was_taken_away_listens_no_more_though_the_page_is_open() -> None:
    supervisors = {"us_zhao"}
    desks = Desks(nobody, lambda _: None, may_monitor=supervisors.__contains__)
    with desks.supervised_by("us_zhao"):
        assert desks.supervisors() == ["us_zhao"]
        supervisors.clear()
        assert desks.supervisors() == []
        assert [*desks.supervisors_here().heartbeat.supervisor_ids] == []


def monitored(mode: str, *, is_joined: bool = True) -> contact.SessionResponse:
    now = MonitoringView(mode=MonitoringMode.Value(f"MONITORING_MODE_{mode}"), is_joined=is_joined)
    return contact.SessionResponse(contact=ContactView(contact_id=CONTACT, version=3, monitoring=now))


@pytest.mark.parametrize(
    ("mode", "hides", "told"),
    [
        ("LISTEN", False, "LISTEN"),
        ("LISTEN", True, None),
        ("WHISPER", True, "WHISPER"),
        ("BARGE", True, "BARGE"),
        ("BARGE", False, "BARGE"),
    ],
)
def test_a_desk_says_that_a_supervisor_listens_unless_the_tenant_hides_it(
    mode: str, hides: bool, told: str | None
) -> None:
    desks, desk = Desks(nobody, lambda _: None, lambda: hides), Desk("ag_li", "one")
    desks.open(desk)
    desks.on_agent(agent())
    desks.on_contact(monitored(mode))
    assert monitoring_shown(desk) == told


def test_a_desk_says_nothing_of_a_supervisor_who_does_not_hear_yet() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "one")
    desks.open(desk)
    desks.on_agent(agent())
    desks.on_contact(monitored("BARGE", is_joined=False))
    assert monitoring_shown(desk) is None


def monitoring_shown(desk: Desk) -> str | None:
    frames = [desk.frames.get_nowait() for _ in range(desk.frames.qsize())]
    [found] = [frame["contact"] for frame in frames if frame and frame["type"] == "contact"]
    shown: str | None = found["monitoring"]
    return shown


def chat(version: int, supervisor_id: str = "us_zhao", text: str = "hello", end: str = "") -> contact.SessionResponse:
    """Li's chat, in which the supervisor has whispered to Li, and to who had it before."""
    mode = MonitoringMode.MONITORING_MODE_WHISPER
    view = ContactView(contact_id=CONTACT, version=version, agent_id="ag_li", monitoring_end=end)
    view.messages.append(MessageView(message_no=1, text=text, supervisor_id="us_zhao"))
    for number, agent_id in enumerate(("ag_wang", "ag_li"), 1):
        view.whispers.append(WhisperView(whisper_no=number, agent_id=agent_id, text=f"for {agent_id}"))
    if supervisor_id:
        view.monitoring.MergeFrom(MonitoringView(supervisor_id=supervisor_id, mode=mode, is_joined=True))
    return contact.SessionResponse(contact=view)


def frames_of(page: Desk | Reader) -> list[Any]:
    return [page.frames.get_nowait() for _ in range(page.frames.qsize())]


def test_an_agent_is_shown_only_what_was_whispered_to_that_agent_and_who_barged_in() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "one")
    desks.open(desk)
    desks.on_agent(agent())
    desks.on_contact(chat(3))
    found = frames_of(desk)[-1]["contact"]
    assert [whisper["text"] for whisper in found["whispers"]] == ["for ag_li"]
    assert found["messages"][0]["supervisor_id"] == "us_zhao"


def test_a_supervisor_reads_the_chat_along_until_the_monitoring_ends() -> None:
    desks, reader = Desks(nobody, lambda _: None), Reader("us_zhao", CONTACT, since_version=3)
    with desks.read_by(reader):
        desks.on_contact(chat(3))
        desks.on_contact(chat(4, text="hello again"))
        first, second = frames_of(reader)
        assert first["chat"]["messages"][0]["text"] == "hello"
        assert second["chat"]["messages"][0]["text"] == "hello again"
        assert (second["chat"]["mode"], len(second["chat"]["whispers"])) == ("WHISPER", 2)
        desks.on_contact(chat(5, supervisor_id="", text="secret", end="given_on"))
        assert frames_of(reader) == [{"type": "ended", "reason": "given_on"}, None]


def test_another_supervisors_chat_is_not_read() -> None:
    desks, reader = Desks(nobody, lambda _: None), Reader("us_zhao", CONTACT, since_version=3)
    with desks.read_by(reader):
        desks.on_contact(chat(4, supervisor_id="us_chen"))
        assert frames_of(reader) == [{"type": "ended", "reason": ""}, None]


def test_what_this_console_was_told_before_the_monitoring_began_ends_no_reading() -> None:
    desks, reader = Desks(nobody, lambda _: None), Reader("us_zhao", CONTACT, since_version=3)
    with desks.read_by(reader):
        desks.on_contact(chat(2, supervisor_id=""))
        assert frames_of(reader) == []
        desks.on_contact(chat(3))
        assert [frame["type"] for frame in frames_of(reader)] == ["chat"]


def test_a_reader_is_told_the_chat_from_its_first_message_on_and_watched_no_longer_than_it_is_read() -> None:
    desks, watched = Desks(nobody, lambda _: None), list[list[str]]()
    desks.open(Desk("ag_li", "one"))
    desks.on_agent(agent())
    desks.on_contact(conversation("my number is 13800000000"))
    desks.tell_channels = lambda request: watched.append([*request.watch_contacts.contact_ids])
    with desks.read_by(Reader("us_zhao", CONTACT, since_version=3)):
        assert watched == [[], [CONTACT]], "what an agent's desk has from before may be erased"
        assert desks.customer_of(CONTACT) is None
        desks.open(Desk("ag_li", "again"))
        assert watched[2:4] == [[], [CONTACT]], "the same for a desk that comes back while a supervisor reads"
    desks.on_agent(acd.SessionResponse(agent=AgentView(agent_id="ag_li", version=2)))
    assert watched[-1] == []


def test_of_too_many_pages_of_a_supervisor_the_oldest_gives_way() -> None:
    desks, pages = Desks(nobody, lambda _: None), contextlib.ExitStack()
    readers = [Reader("us_zhao", CONTACT, since_version=1) for _ in range(MAX_READERS + 1)]
    with pages:
        for reader in [*readers[:-1], Reader("us_chen", CONTACT, since_version=1), readers[-1]]:
            pages.enter_context(desks.read_by(reader))
        assert [frames_of(reader) for reader in readers] == [[None], *([[]] * MAX_READERS)]


def test_a_page_that_takes_nothing_is_ended_and_not_kept_waiting_for_the_last_frame() -> None:
    reader = Reader("us_zhao", CONTACT, since_version=1)
    for number in range(reader.frames.maxsize):
        reader.show({"type": "chat", "number": number})
    reader.end({"type": "ended", "reason": ""})
    assert frames_of(reader)[-1] is None


def work(state: str) -> acd.SessionResponse:
    item = WorkItem(contact_id=CONTACT, state=WorkState.Value(f"WORK_STATE_{state}"))
    return acd.SessionResponse(agent=AgentView(agent_id="ag_li", version=2, work=[item]))


def shown(agent_id: str, version: int, text: str) -> contact.SessionResponse:
    said = [MessageView(message_no=version, text=text)]
    return contact.SessionResponse(
        contact=ContactView(contact_id=CONTACT, version=version, agent_id=agent_id, messages=said)
    )


def test_what_was_given_on_is_not_shown_to_who_still_wraps_it_up() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_li", "one")
    desks.open(desk)
    desks.on_agent(work("CONNECTED"))
    desks.on_contact(shown("ag_li", 1, "to Li"))
    desks.on_agent(work("WRAP_UP"))
    desks.on_contact(shown("ag_li", 2, "the last of it"))
    assert shown_texts(desk) == ["to Li", "to Li", "the last of it"]
    desks.on_contact(shown("", 3, "while it waits"))
    desks.on_contact(shown("ag_wang", 4, "to Wang"))
    assert shown_texts(desk) == []


@pytest.mark.parametrize("queue_id", ["", 7, None, "q" * 129])
def test_a_transfer_names_a_queue(queue_id: Any) -> None:
    frame = {"type": "transfer", "contact_id": CONTACT, "queue_id": queue_id}
    with pytest.raises(Invalid, match="queue_id"):
        read_wish(frame, "ag_li")
    assert read_wish(frame | {"queue_id": "qu_help"}, "ag_li") == Transfer(CONTACT, "qu_help")


def test_a_transfer_and_a_consultation_may_name_a_colleague_and_carry_a_note() -> None:
    said = {"contact_id": CONTACT, "agent_id": "ag_wang", "note": " wants a refund\n"}
    transfer = {"type": "transfer", "queue_id": "qu_help"} | said
    assert read_wish(transfer, "ag_li") == Transfer(CONTACT, "qu_help", "ag_wang", "wants a refund")
    assert read_wish({"type": "consult"} | said, "ag_li") == Consult(CONTACT, "ag_wang", "wants a refund")


@pytest.mark.parametrize("note", ["x" * 501, 7, "a\x00b"])
def test_a_note_that_cannot_be_read_in_a_moment_is_refused_by_name(note: Any) -> None:
    frame = {"type": "transfer", "contact_id": CONTACT, "queue_id": "qu_help", "note": note}
    with pytest.raises(Invalid, match="note"):
        read_wish(frame, "ag_li")
    assert read_wish(frame | {"note": "退" * 500}, "ag_li") == Transfer(CONTACT, "qu_help", "", "退" * 500)


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ({"type": "talk_to", "party": "CUSTOMER"}, {"talk_to": {"party": Party.PARTY_CUSTOMER}}),
        ({"type": "talk_to", "party": "COLLEAGUE"}, {"talk_to": {"party": Party.PARTY_COLLEAGUE}}),
        ({"type": "merge"}, {"merge_consultation": {}}),
        ({"type": "complete"}, {"complete_consultation": {}}),
        ({"type": "leave_consultation"}, {"leave_consultation": {}}),
    ],
)
def test_what_two_agents_do_with_a_call_is_said_in_the_name_of_whose_desk_it_is(
    frame: dict[str, Any], wanted: dict[str, Any]
) -> None:
    ((name, fields),) = wanted.items()
    command: Any = read_wish(frame | {"contact_id": CONTACT, "agent_id": frame.get("agent_id", "ag_other")}, "ag_li")
    said = getattr(command, name)
    assert (said.contact_id, said.agent_id) == (CONTACT, "ag_li")
    assert {field: getattr(said, field) for field in fields} == fields


def test_what_one_agent_writes_to_the_other_names_the_consultation_and_is_short() -> None:
    frame = {"type": "colleague_message", "contact_id": CONTACT, "offer_no": 2, "text": "may I?"}
    assert read_wish(frame, "ag_li") == ColleagueMessage(CONTACT, 2, "may I?")
    for wrong in ({"text": "x" * 501}, {"text": " "}, {"offer_no": "2"}):
        with pytest.raises(Invalid, match=next(iter(wrong))):
            read_wish(frame | wrong, "ag_li")


@pytest.mark.parametrize(("agent_id", "shown"), [("ag_li", ["to Li", "aside"]), ("ag_wang", ["aside"]), ("ag_wu", [])])
def test_what_agents_write_to_each_other_is_shown_to_these_two(agent_id: str, shown: list[str]) -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk(agent_id, "first")
    desks.open(desk)
    work = WorkItem(contact_id=CONTACT, state=WorkState.WORK_STATE_CONNECTED)
    desks.on_agent(acd.SessionResponse(agent=AgentView(agent_id=agent_id, version=1, work=[work])))
    to_li = WhisperView(whisper_no=1, supervisor_id="us_zhao", agent_id="ag_li", text="to Li")
    both = WhisperView(whisper_no=2, agent_id="ag_li", colleague_id="ag_wang", author_agent_id="ag_wang", text="aside")
    view = ContactView(contact_id=CONTACT, version=3, agent_id="ag_li", whispers=[to_li, both])
    desks.on_contact(contact.SessionResponse(contact=view))
    _, frame = (desk.frames.get_nowait() for _ in range(2))
    assert frame and [whisper["text"] for whisper in frame["contact"]["whispers"]] == shown


@pytest.mark.parametrize("frame", [{"type": "consult"}, {"type": "talk_to", "party": "music"}, {"type": "swap"}])
def test_a_frame_about_two_agents_that_cannot_be_read_names_the_field(frame: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        read_wish(frame | {"contact_id": CONTACT}, "ag_li")


def test_a_colleague_who_is_asked_sees_the_contact_and_who_asks() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_wang", "first")
    desks.open(desk)
    work = WorkItem(contact_id=CONTACT, state=WorkState.WORK_STATE_OFFERED, asked_by="ag_li")
    desks.on_agent(acd.SessionResponse(agent=AgentView(agent_id="ag_wang", version=1, work=[work])))
    asked = ConsultationView(
        agent_id="ag_wang", state=ConsultationState.CONSULTATION_STATE_OFFERED, note="ask her about the refund"
    )
    view = ContactView(contact_id=CONTACT, version=3, agent_id="ag_li", consultation=asked)
    desks.on_contact(contact.SessionResponse(contact=view))
    agent_frame, contact_frame = (desk.frames.get_nowait() for _ in range(2))
    assert agent_frame and agent_frame["agent"]["work"][0]["asked_by"] == "ag_li"
    assert contact_frame and contact_frame["contact"]["consultation"] == {
        "agent_id": "ag_wang",
        "offer_no": 0,
        "state": "OFFERED",
        "talks_to": "UNSPECIFIED",
        "note": "ask her about the refund",
    }


def test_who_has_the_contact_next_is_shown_the_notes_and_why_the_agent_was_named() -> None:
    desks, desk = Desks(nobody, lambda _: None), Desk("ag_wang", "first")
    desks.open(desk)
    item = WorkItem(
        contact_id=CONTACT, state=WorkState.WORK_STATE_OFFERED, preference=Preference.PREFERENCE_ACCOUNT_OWNER
    )
    desks.on_agent(acd.SessionResponse(agent=AgentView(agent_id="ag_wang", version=1, work=[item])))
    note = NoteView(agent_id="ag_li", text="wants a refund")
    desks.on_contact(contact.SessionResponse(contact=ContactView(contact_id=CONTACT, version=3, notes=[note])))
    agent_frame, contact_frame = (desk.frames.get_nowait() for _ in range(2))
    assert agent_frame and agent_frame["agent"]["work"][0]["preference"] == "ACCOUNT_OWNER"
    assert contact_frame and contact_frame["contact"]["notes"] == [
        {"agent_id": "ag_li", "text": "wants a refund", "at": None}
    ]


class Away:
    """An acd that does not answer."""

    def __init__(self) -> None:
        self.told = list[str]()

    async def execute(self, command: Any, principal: Any) -> None:
        self.told.append(command.open_agent_session.session_id)
        raise Transient("away", retry_after_s=0.1)


async def test_of_a_desk_that_is_gone_acd_is_not_told_any_more_when_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_room, "OPEN_AGAIN_S", 0.01)
    acd = Away()
    room: Any = DeskRoom("co_1", acd, None, None, b"s" * 32, nobody, lambda *_: None, None, None, None)  # type: ignore[arg-type]
    desks, first, second = room.desks_of("tn_1"), Desk("ag_li", "first"), Desk("ag_li", "second")
    desks.open(first)
    await room.open("tn_1", first)
    desks.open(second)  # the agent reloads the page
    await room.open("tn_1", second)
    await until(lambda: acd.told.count("second") > 2)
    assert acd.told.count("first") <= 2
    desks.close(second)
    await until(lambda: not room._reopening)


def test_an_agent_takes_a_parked_chat_up() -> None:
    wanted = acd_commands.UnparkContact(agent_id="ag_li", contact_id=CONTACT)
    assert read_wish({"type": "unpark", "contact_id": CONTACT}, "ag_li") == acd_commands.AcdCommand(
        unpark_contact=wanted
    )


def test_a_desk_sees_what_is_parked_and_who_waits() -> None:
    parked = WorkItem(contact_id=CONTACT, state=WorkState.WORK_STATE_CONNECTED)
    parked.parked_time.FromSeconds(0)
    shown = work_json(parked)
    assert (shown["parked"], shown["customer_waits"]) == ("1970-01-01T00:00:00+00:00", None)
    assert work_json(WorkItem(contact_id=CONTACT))["parked"] is None


def test_an_agent_dismisses_that_a_supervisor_called_and_nobody_elses() -> None:
    assert read_wish({"type": "dismiss_call_in", "agent_id": "ag_other", "reason": "x"}, "ag_li") == (
        acd_commands.AcdCommand(end_call_in=acd_commands.EndCallIn(agent_id="ag_li"))
    )


def test_desk_and_wall_are_told_since_when_and_why_an_agent_is_called_in() -> None:
    called = CallIn(reason="many_wait", called_by="supervisor:us_1")
    called.called_time.FromJsonString("2026-01-05T09:00:00Z")
    called.until_time.FromJsonString("2026-01-05T21:00:00Z")
    told = {"at": "2026-01-05T09:00:00+00:00", "until": "2026-01-05T21:00:00+00:00", "reason": "many_wait"}
    assert agent_view_json(AgentView(called_in=called))["called_in"] == told
    assert agent_json(AgentRow(called_in=called))["called_in"] == told
    assert agent_json(AgentRow())["called_in"] is agent_view_json(AgentView())["called_in"] is None

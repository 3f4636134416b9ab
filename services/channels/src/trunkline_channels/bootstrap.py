"""The only wiring of channels: which part is made of which, and in what order they start and stop."""

from importlib.metadata import version
from typing import Any

from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2, contact_service_pb2_grpc
from trunkline.customer.v1 import customer_service_pb2
from trunkline.ivr.v1 import ivr_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandClient
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.replica import Replica, export_until_end, serve_http
from trunkline_platform.rest import create_app
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load
from trunkline_platform.webhooks import WebhookSecrets

from trunkline_channels.adapters.chat_frames import view_of
from trunkline_channels.adapters.chat_tickets import SignedTickets
from trunkline_channels.adapters.facts import managers
from trunkline_channels.adapters.orders import LocalCommander
from trunkline_channels.adapters.other_services import AcdAndIvr, acd_pages, ivr_pages
from trunkline_channels.adapters.streams import TenantStreams
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.waits import AcdWaits
from trunkline_channels.adapters.widget_origins import WidgetOrigins
from trunkline_channels.adapters.wire import TOPIC, WIRE, correlation_of, is_last, key_of, lane_of, stream_of
from trunkline_channels.application.chat import ChatEdge
from trunkline_channels.application.deliveries import Deliveries
from trunkline_channels.application.hub import Hub
from trunkline_channels.application.peers import Peers
from trunkline_channels.application.reception import Reception
from trunkline_channels.application.reconciliation import Reconciliation
from trunkline_channels.application.steps import ChannelsLedger, StepRunner
from trunkline_channels.application.waits import WaitFigures
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.decider import ChannelsDecider
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.entrypoints.grpc import ContactReads, ContactSessions
from trunkline_channels.entrypoints.hooks import add_hooks
from trunkline_channels.entrypoints.http import add_chat
from trunkline_channels.entrypoints.permissions import permit
from trunkline_channels.metrics import ChannelsMetrics
from trunkline_channels.settings import ChannelsSettings

SERVICE: LedgerService[ChannelsState, Command, Event] = LedgerService(
    name="channels",
    topic=TOPIC,
    decider=ChannelsDecider(),
    new_state=ChannelsState,
    codec=WIRE,
    decider_version=version("trunkline-channels"),
    stream_of=stream_of,
    correlation_of=correlation_of,
    is_last=is_last,
    # 2: transfers, who brought a contact, who wrote a message
    # 3: a contact rings at several agents: a reader of 2 would take the newest offer for the only one; parked chats: it
    # would let their agents write, and their customers wait for nothing; consultations and take-overs: it would leave
    # the contact with who had it; monitoring: it would let the supervisor's leg go, and lose what is written in a chat;
    # treatments: it would stop at what a queue plays; call-backs that are cleared before they are dialled: it would
    # dial at once
    schema_version=3,
    written_version=3,
    snapshots_since=2,
    import_path="trunkline_channels.bootstrap:SERVICE",
)

GET_CONTACT = contact_service_pb2.DESCRIPTOR.services_by_name["ContactReadService"].methods_by_name["GetContact"]

ChannelsReplica = Replica[ChannelsState, Command, Event]


async def bootstrap(process: Process, settings: ChannelsSettings | None = None) -> ChannelsLedger:
    """Start one replica, register what ends it, and return its ledger. Raises: Misconfigured, Transient."""
    settings = settings or load(ChannelsSettings)
    replica = Replica(process, settings, SERVICE)
    keys = await open_keystore(settings)
    process.on_stop("channels-keys", keys.close)
    sealer = Sealer(keys, settings.secret_bytes)
    facts = managers()
    # their services may start later than we do; two managers may follow one topic, which is to be made once
    sources = [TOPICS[topic] for topic in sorted({manager.topic for manager in facts})]
    await ensure_topics(settings.kafka_bootstrap, sources, settings.replication_factor)
    await replica.start_ledger()
    ledger: ChannelsLedger = replica.ledger
    commands = replica.add_commands(
        _of(contact_service_pb2, "Contact"), WIRE, key_of=key_of, lane_of=lane_of, permit=permit
    )
    commander = LocalCommander(commands)
    reception, deliveries = Reception(ledger, commander, sealer), Deliveries(ledger, commander, sealer)
    hub, peers = Hub(ledger), Peers(ledger)
    waits = AcdWaits(settings.acd_addresses, replica.credentials, replica.channels)
    figures = WaitFigures(ledger, waits, hub.remind)
    crm = _client(replica, customer_service_pb2, "Customer", settings.crm_addresses)
    ivr = _client(replica, ivr_service_pb2, "Ivr", settings.ivr_addresses)
    acd = _client(replica, acd_service_pb2, "Acd", settings.acd_addresses)
    steps = StepRunner(ledger, ServiceTargets(crm, ivr, acd), waits)
    runner = ManagerRunner(ledger, facts, settings.kafka_bootstrap)
    others = AcdAndIvr(
        acd,
        ivr,
        acd_pages(settings.acd_addresses, replica.credentials, replica.channels),
        ivr_pages(settings.ivr_addresses, replica.credentials, replica.channels),
    )
    reconciliation = Reconciliation(
        ledger, others, runner, every_s=settings.reconcile_every_s, after_s=settings.reconcile_after_s
    )
    process.add("channels-steps", steps.run())
    process.add("channels-wait-figures", figures.run())
    process.add("channels-peers", peers.run())
    process.add("channels-managers", runner.run())
    process.add("channels-reconciliation", reconciliation.run())

    sessions = ContactSessions(reception, hub, peers, sealer, figures)
    contact_service_pb2_grpc.add_ContactSessionServiceServicer_to_server(sessions, replica.grpc.server)
    reads = ContactReads(ledger, sealer, replica.owner_reads(GET_CONTACT))
    contact_service_pb2_grpc.add_ContactReadServiceServicer_to_server(reads, replica.grpc.server)
    await replica.serve_grpc()

    edge = chat_edge(process, settings, replica, reception)
    origins = WidgetOrigins(settings.kafka_bootstrap, settings.everywhere, settings.instance_id)
    process.add("channels-origins", origins.run())
    app = create_app("channels", process)
    add_chat(app, edge, origins)
    add_hooks(app, deliveries, WebhookSecrets(settings.webhook_secrets.get_secret_value()))
    serve_http(process, "channels", app, settings)
    metrics = ChannelsMetrics(ledger, steps, edge, deliveries, reconciliation, figures)
    export_until_end(process, "channels-metrics", export(metrics))
    return ledger


def chat_edge(process: Process, settings: ChannelsSettings, replica: ChannelsReplica, reception: Reception) -> ChatEdge:
    """Make the chat edge, one more peer of all replicas."""
    peer_id = f"chat:{settings.instance_id}:{replica.ledger.boot_id}"

    def on_push(push: contact_service_pb2.SessionResponse) -> None:
        if (view := view_of(push)) is not None:
            edge.on_view(view)

    addresses = settings.replicas or (replica.address,)
    streams = TenantStreams(
        peer_id, addresses, replica.credentials, replica.channels, on_push, held=lambda tenant: edge.held(tenant)
    )
    edge = ChatEdge(reception, SignedTickets(settings.secret_bytes), streams, peer_id, settings.sessions_per_ip)
    process.add("channels-chat-streams", streams.run())
    process.add("channels-chat", edge.run())
    return edge


def _of(module: Any, area: str) -> Any:
    return module.DESCRIPTOR.services_by_name[f"{area}CommandService"]


def _client(replica: ChannelsReplica, module: Any, area: str, addresses: tuple[str, ...]) -> CommandClient:
    return CommandClient(_of(module, area), addresses, replica.credentials, replica.channels)

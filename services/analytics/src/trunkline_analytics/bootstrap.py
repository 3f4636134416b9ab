"""The only wiring of analytics."""

from dataclasses import dataclass

from trunkline.topics import TOPICS, Topic
from trunkline_ledger.kafka.topics import describe_topic, ensure_topics
from trunkline_platform.credentials import Credentials
from trunkline_platform.faust_app import LiveApp
from trunkline_platform.generations import LiveGeneration
from trunkline_platform.http import HttpServer
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.read_models import ReadModel
from trunkline_platform.replica import export_until_end, serve_http
from trunkline_platform.rest import create_app
from trunkline_platform.settings import load
from trunkline_platform.store_mongo import MongoStore

from trunkline_analytics.adapters.journals import CONTACTS, CUSTOMERS, TICKETS
from trunkline_analytics.adapters.live import ACD, AGENTS, DLQ, ENVELOPES, QUEUES, add_live_tables, ledger_of
from trunkline_analytics.adapters.segments import SegmentProjection, SegmentRows
from trunkline_analytics.entrypoints.http import add_routes
from trunkline_analytics.metrics import AnalyticsMetrics
from trunkline_analytics.settings import AnalyticsSettings


@dataclass(frozen=True, slots=True)
class Analytics:
    """A running analytics, for tests."""

    app: LiveApp
    http: HttpServer


async def bootstrap(process: Process, settings: AnalyticsSettings | None = None) -> Analytics:
    """Start analytics inside `process`. Raises: Misconfigured; Transient when Kafka is away."""
    settings = settings or load(AnalyticsSettings)
    await ensure_topics(settings.kafka_bootstrap, _topics(), settings.replication_factor)
    source = await describe_topic(settings.kafka_bootstrap, ACD)  # may have been made beforehand with another number
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    process.on_stop("analytics-store", store.close)
    app = LiveApp(
        settings.app_name,
        bootstrap_servers=settings.kafka_bootstrap,
        data_dir=settings.work_dir,
        partitions=source.partitions,
        replication_factor=settings.replication_factor,
    )
    sources = add_live_tables(app)
    projection = _start_projection(process, settings, store)
    process.add("analytics-live", app.run())
    process.ready("analytics-live", lambda: app.is_ready)
    export_until_end(process, "analytics-metrics", export(AnalyticsMetrics(sources, projection)))
    api = create_app("analytics", process)
    add_routes(api, SegmentRows(LiveGeneration(store, SegmentProjection.name)), Credentials(settings.secret_bytes))
    return Analytics(app, serve_http(process, "analytics", api, settings))


def _topics() -> list[Topic]:
    """What is read and what is written; a ledger's service may start later than we do."""
    journals = [kind.topic for kind in (CONTACTS, TICKETS, CUSTOMERS)]
    return [TOPICS[name] for name in (*map(ledger_of, ENVELOPES), *journals, QUEUES, AGENTS, DLQ)]


def _start_projection(process: Process, settings: AnalyticsSettings, store: MongoStore) -> ReadModel:
    segments = ReadModel(SegmentProjection, store, bootstrap_servers=settings.kafka_bootstrap, dlq_topic=DLQ)
    process.add("analytics-segments", segments.run())
    return segments

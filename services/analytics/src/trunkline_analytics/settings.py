"""Settings of analytics: environment variables TRUNKLINE_ANALYTICS_…, and those that all services share."""

from trunkline_platform.settings import Port, ServiceSettings, service_config


class AnalyticsSettings(ServiceSettings):
    """What analytics needs besides the shared settings.

    Attributes:
        app_name: names Faust's consumer group and its private changelog topics.
        work_dir: any folder; Faust keeps nothing in it that matters.
    """

    model_config = service_config("analytics")

    http_port: Port = 8086
    app_name: str = "trunkline-live"
    work_dir: str = ".trunkline/faust"

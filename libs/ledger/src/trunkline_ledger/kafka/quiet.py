"""aiokafka logs the same error in a tight loop while a broker is away; one line each ten seconds is enough."""

import logging
import time

LOGGERS = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.cluster",
    "aiokafka.helpers",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.consumer.subscription_state",
)
EVERY_S = 10.0


class OncePerTenSeconds(logging.Filter):
    """Lets each message template of a logger through once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._next_at: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record may be logged."""
        if record.levelno < logging.INFO or len(self._next_at) > 1_000:
            return True
        now, key = time.monotonic(), (record.name, record.msg)
        if now < self._next_at.get(key, 0.0):
            return False
        self._next_at[key] = now + EVERY_S
        return True


def quieten_aiokafka() -> None:
    """Rate-limit aiokafka's loggers; repeating it changes nothing. Filters are not inherited, hence one on each."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, OncePerTenSeconds) for found in logger.filters):
            logger.addFilter(OncePerTenSeconds())

"""A live app for tests: keeps the newest value per key and repeats every event on an output topic.

live_app_under_test.py BOOTSTRAP DATA_DIR SOURCE OUTPUT PARTITIONS
"""

import asyncio
import sys

from trunkline_platform.faust_app import LiveApp


def build(bootstrap, data_dir, source_topic, output_topic, partitions, dlq_topic=None):
    app = LiveApp(f"live-{source_topic}", bootstrap_servers=bootstrap, data_dir=data_dir, partitions=partitions)
    table = app.table("newest")

    def handle(effective):
        record = effective.record
        if record.value.startswith(b"poison"):
            raise ValueError("poison")
        if record.value.startswith(b"bug"):
            raise RuntimeError("bug")
        table.put(effective, record.key, record.value)
        app.publish(output_topic, record.key, record.value, {"source": b"%d/%d" % (record.partition, record.offset)})

    source = app.source(source_topic, handle, dlq_topic=dlq_topic)
    return app, source, table


if __name__ == "__main__":
    bootstrap, data_dir, source, output, partitions = sys.argv[1:]
    asyncio.run(build(bootstrap, data_dir, source, output, int(partitions))[0].run())

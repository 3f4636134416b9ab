"""`python -m trunkline_embedded warm`: make ready what the embedded Kafka and store need, and say how long it took."""

import sys
import time

from trunkline_core.errors import Misconfigured

from trunkline_embedded.kafka import kafka_java
from trunkline_embedded.toolchain import store_class_path


def main(arguments: list[str]) -> int:
    if arguments != ["warm"]:
        print("usage: python -m trunkline_embedded warm", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        kafka_java(say)
        store_class_path(say)
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"toolchain ready ({time.monotonic() - started:.1f} s)")
    return 0


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

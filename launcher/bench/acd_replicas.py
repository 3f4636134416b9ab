"""What benches of a real acd have in common: replicas on a Kafka of their own, and one JSON line a figure."""

import json
import sys
import time
from pathlib import Path

import httpx
import psutil
from trunkline.acd.v1 import acd_service_pb2
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.process import ChildProcess
from trunkline_launcher.layout import Layout, free_ports
from trunkline_testkit.figures import p50_p99_ms

READY_S = 120.0
COMMANDS = acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"]


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit}), flush=True)


def report_percentiles(name: str, at: str, seconds: list[float]) -> None:
    """Print median and 99th percentile."""
    p50, p99 = p50_p99_ms(seconds)
    report(f"{name}_p50{at}", p50, "ms")
    report(f"{name}_p99{at}", p99, "ms")


def start_replicas(folder: Path, kafka: KafkaNode, count: int) -> tuple[list[Layout], list[ChildProcess]]:
    """Start so many replicas that know each other, without waiting."""
    layouts = [Layout(folder, kafka.bootstrap, "", free_ports()) for _ in range(count)]
    addresses = ",".join(layout.grpc_address("acd") for layout in layouts)
    children = []
    for number, layout in enumerate(layouts, 1):
        env = layout.environment("acd") | {"TRUNKLINE_INSTANCE_ID": str(number), "TRUNKLINE_ACD_ADDRESSES": addresses}
        log = folder / "logs" / f"acd-{count}-{number}.log"
        children.append(ChildProcess([sys.executable, "-m", "trunkline_acd"], log, env=env))
    return layouts, children


def wait_ready(layout: Layout) -> None:
    """Wait until the replica says that it is ready; end the bench when it does not come up."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{layout.http_url('acd')}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit("acd did not become ready")


def cpu_s(processes: list[psutil.Process]) -> float:
    """Return the processor time that the processes have used, in seconds."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)

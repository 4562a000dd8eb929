"""Starts the workers of a cluster as processes of this machine."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def free_ports(count):
    """Returns ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_workers(*workers):
    """Starts the workers of a cluster.

    Args:
        *workers: Of each, the chief first, its directory and its command, a module and
            arguments.

    Returns:
        The processes, in this order.
    """
    addresses = [f"localhost:{port}" for port in free_ports(len(workers))]
    processes = []
    for index, (directory, command) in enumerate(workers):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                cwd=directory,
                env={
                    **os.environ,
                    "PYTHONPATH": str(REPOSITORY),
                    "TF_CONFIG": json.dumps(config),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return processes

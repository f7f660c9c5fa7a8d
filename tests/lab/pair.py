"""Two turn peers of the laboratory, each behind a NAT, with coturn and the rendezvous server."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import lab
import turn
from namespaces import LabError

PEER = os.environ.get("LOCKGATE_TURN_PEER", "turn_peer")
RENDEZVOUS = os.environ.get("LOCKGATE_RENDEZVOUS_SERVER", "rendezvous_server")
RENDEZVOUS_PORT = 7000
RENDEZVOUS_KEY = "lab-key"
RTT_MS = 20


class Pair:
    """A laboratory with coturn and the rendezvous server, and peers on both hosts."""

    def __init__(
        self, directory: Path, nat_a: str, nat_b: str, rtt_ms: float = RTT_MS, **turn_options
    ) -> None:
        self.lab = lab.Lab(directory, nat_a, nat_b, rtt_ms=rtt_ms)
        try:
            self.turn = self.lab.start_turn(**turn_options)
            self.rendezvous = self.lab.popen(
                self.lab.server,
                [RENDEZVOUS, f"{lab.SERVER_ADDRESSES[0]}:{RENDEZVOUS_PORT}", RENDEZVOUS_KEY],
                stdout=subprocess.PIPE,
                text=True,
            )
            if not self.rendezvous.stdout.readline():
                raise LabError("the rendezvous server did not start")
        except BaseException:
            self.lab.close()
            raise

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.lab.close()

    def start(self, site: lab.Site, *arguments: object) -> subprocess.Popen:
        return self.lab.popen(
            site,
            [PEER, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: object, a: tuple = (), b: tuple = (), timeout: float = 90):
        """Runs both peers; returns what each has said, or fails with it."""
        peers = [self.start(self.lab.b, *arguments, *b), self.start(self.lab.a, *arguments, *a)]
        return self.finish(*reversed(peers), timeout=timeout)

    def finish(self, a: subprocess.Popen, b: subprocess.Popen, timeout: float):
        deadline = time.monotonic() + timeout
        said = []
        for peer in (a, b):
            try:
                said.append(peer.communicate(timeout=max(0.1, deadline - time.monotonic()))[0])
            except subprocess.TimeoutExpired:
                peer.kill()
                said.append(peer.communicate()[0] + "\n(did not end in time)")
        for text in (*said, self.turn.log.read_text(errors="replace")):
            if turn.PASSWORD in text or RENDEZVOUS_KEY in text:
                raise AssertionError("a secret is in what was printed or logged")
        if a.returncode or b.returncode:
            raise AssertionError(f"a ({a.returncode}): {said[0]}\nb ({b.returncode}): {said[1]}")
        return lines(said[0]), lines(said[1])


def lines(text: str) -> list[dict[str, int]]:
    return [
        {key: int(value) for key, value in (word.split("=") for word in line.split())}
        for line in text.splitlines()
    ]


def wait_for(peer: subprocess.Popen) -> None:
    """Waits until a peer has its endpoint."""
    line = peer.stdout.readline()
    if not line.startswith("ready"):
        raise AssertionError(f"not ready: {line}{peer.stdout.read()}")


def carry(directory: Path, nat_a: str, nat_b: str) -> int:
    """Carries a datagram from a to b and back through these NATs, relayed; returns how often it had
    to be repeated, as the network loses some."""
    with Pair(directory, nat_a, nat_b, rtt_ms=0) as pair:
        start = time.monotonic_ns() + 250_000_000
        said_a, _ = pair.run("setup", 1, start, 0, timeout=20)
        return sum(line.get("repeated", 0) for line in said_a)


def interrupted(pair: Pair, keep_alive: int, interrupt: Callable[[], object]) -> tuple[dict, dict]:
    """What both peers of a stream of 50 datagrams a second say when 3 s after its begin
    `interrupt()` takes their allocations away."""
    arguments = ("traffic", 9 + keep_alive, 50, 500, f"keep-alive={keep_alive}")
    b = pair.start(pair.lab.b, *arguments)
    a = pair.start(pair.lab.a, *arguments)
    wait_for(a)
    time.sleep(3)
    interrupt()
    said_a, said_b = pair.finish(a, b, timeout=60 + keep_alive)
    return said_a[-1], said_b[-1]

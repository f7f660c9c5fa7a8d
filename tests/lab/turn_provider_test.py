#!/usr/bin/env python3
"""The turn provider through real NATs and coturn: two processes, each behind a NAT of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import NoReturn

import lab
import nat
import namespaces
import turn
from namespaces import LabError

PEER = os.environ.get("LOCKGATE_TURN_PEER", "turn_peer")
RENDEZVOUS = os.environ.get("LOCKGATE_RENDEZVOUS_SERVER", "rendezvous_server")
DIAGNOSIS = os.environ.get("LOCKGATE_STUN_DIAGNOSIS", "stun_diagnosis")
RENDEZVOUS_PORT = 7000
RENDEZVOUS_KEY = "lab-key"
ROUNDS = 20
RTT_MS = 20
STEADY_NS = 1_000_000_000

directory: Path


class Pair:
    """A laboratory with coturn and the rendezvous server, and peers on both hosts."""

    def __init__(self, nat_a: str, nat_b: str, rtt_ms: float = RTT_MS, **turn_options) -> None:
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


def setup_times(pair: Pair, since: str, settle_ms: int, *options: str, a: tuple = ()) -> list[float]:
    """The milliseconds from `since` to the first datagram received, of each round."""
    start = time.monotonic_ns() + STEADY_NS
    said_a, said_b = pair.run("setup", ROUNDS, start, settle_ms, *options, a=a)
    received = {line["round"]: line["received"] for line in said_b}
    began = {line["round"]: line[since] for line in said_a}
    if len(received) != ROUNDS or len(began) != ROUNDS:
        raise AssertionError("rounds are missing")
    times = [(received[i] - began[i]) / 1e6 for i in range(ROUNDS)]
    print(
        f"turn: {since} to first datagram: median {statistics.median(times):.1f} ms,"
        f" from {min(times):.1f} to {max(times):.1f}",
        file=sys.stderr,
    )
    return times


class Traffic(unittest.TestCase):
    def check_traffic(self, pair: Pair, *options: str, a: tuple = (), b: tuple = ()) -> None:
        said_a, said_b = pair.run("traffic", 2, 200, 1000, *options, a=a, b=b)
        there, back = said_b[-1], said_a[-1]
        self.assertGreaterEqual(there["seen"], 0.98 * back["sent"])
        self.assertGreaterEqual(back["seen"], 0.98 * back["sent"])
        self.assertGreater(back["sent"], 200)
        self.assertEqual((there["duplicates"], back["duplicates"]), (0, 0))

    def test_symmetric_to_symmetric(self):
        with Pair("symmetric", "symmetric") as pair:
            self.check_traffic(pair)

    def test_each_transport(self):
        with Pair("symmetric", "symmetric") as pair:
            for transport in ("udp", "tcp", "tls"):
                with self.subTest(transport):
                    self.check_traffic(pair, a=(transport,))

    def test_udp_blocked_on_one_side(self):
        with Pair("udp-blocked", "symmetric") as pair:
            self.check_traffic(pair)

    def test_ephemeral_credentials(self):
        with Pair("symmetric", "symmetric", rest_secret="north") as pair:
            self.check_traffic(pair)

    def test_a_dead_server_stalls_nobody(self):
        with Pair("symmetric", "symmetric") as pair:
            self.check_traffic(pair, "dead-server")

    def test_a_restarted_server_loses_a_moment_only(self):
        keep_alive = 3
        with Pair("symmetric", "symmetric") as pair:
            b = pair.start(pair.lab.b, "traffic", 12, 50, 500, f"keep-alive={keep_alive}")
            a = pair.start(pair.lab.a, "traffic", 12, 50, 500, f"keep-alive={keep_alive}")
            wait_for(a)
            time.sleep(3)
            pair.turn.restart()
            said_a, said_b = pair.finish(a, b, timeout=60)
            print(f"turn: restarted: {said_a[-1]} {said_b[-1]}", file=sys.stderr)
            for said in (said_a[-1], said_b[-1]):
                self.assertEqual(said["duplicates"], 0)
                self.assertGreater(said["last"], 0.95 * said_a[-1]["sent"])


class Times(unittest.TestCase):
    """Figures to be read, bounded loosely: the machine may be busy."""

    def test_from_registration(self):
        with Pair("symmetric", "symmetric") as pair:
            self.assertEqual(len(setup_times(pair, "registered", 0)), ROUNDS)

    def test_from_demand(self):
        with Pair("symmetric", "symmetric") as pair:
            self.assertEqual(len(setup_times(pair, "demanded", 400)), ROUNDS)

    def test_udp_blocked_with_tls_only(self):
        with Pair("udp-blocked", "symmetric") as pair:
            self.assertEqual(len(setup_times(pair, "registered", 0, a=("tls",))), ROUNDS)


class Matrix(unittest.TestCase):
    def test_every_nat_with_every_nat(self):
        passed = 0
        for nat_a in nat.KINDS:
            for nat_b in nat.KINDS:
                with self.subTest(a=nat_a, b=nat_b), Pair(nat_a, nat_b, rtt_ms=0) as pair:
                    start = time.monotonic_ns() + STEADY_NS // 4
                    said_a, said_b = pair.run("setup", 1, start, 0, timeout=20)
                    self.assertEqual((len(said_a), len(said_b)), (1, 1))
                    passed += 1
        print(f"turn: {passed} of {len(nat.KINDS) ** 2} pairs of NATs", file=sys.stderr)
        self.assertEqual(passed, len(nat.KINDS) ** 2)


class Diagnosis(unittest.TestCase):
    def diagnose(self, kind: str, **turn_options) -> tuple[int, str]:
        """What the example says behind a NAT of this kind, and its status."""
        with lab.Lab(directory, kind, "none") as running:
            running.start_turn(**turn_options)
            peer = running.popen(
                running.a,
                [DIAGNOSIS, f"{lab.SERVER_ADDRESSES[0]}:{turn.PORT}", running.a.host_address],
                stdout=subprocess.PIPE,
                text=True,
            )
            said = peer.communicate(timeout=60)[0]
            return peer.returncode, said

    def test_each_kind_is_recognised(self):
        for kind, described in nat.KINDS.items():
            with self.subTest(kind):
                status, said = self.diagnose(kind)
                if described.promise is None:
                    self.assertIn("no answer", said)
                    self.assertEqual(status, 1)
                    continue
                found = findings(said)
                self.assertEqual(found["mapping"], str(described.promise.mapping), said)
                self.assertEqual(found["filtering"], str(described.promise.filtering), said)
                self.assertEqual(found["translated"] == "yes", described.promise.translates, said)
                self.assertEqual(found["port kept"] == "yes", described.promise.keeps_port, said)

    def test_what_a_server_of_one_address_cannot_tell_is_unknown(self):
        for kind in ("none", "symmetric"):
            with self.subTest(kind):
                status, said = self.diagnose(kind, options=["no-rfc5780"])
                self.assertEqual(status, 0, said)
                found = findings(said)
                self.assertEqual((found["mapping"], found["filtering"]), ("unknown", "unknown"))


def findings(said: str) -> dict[str, str]:
    return dict(line.rsplit(maxsplit=1) for line in said.splitlines())


def _test(temporary_directory: Path) -> NoReturn:
    global directory
    directory = temporary_directory
    unittest.main()


if __name__ == "__main__":
    namespaces.run_inside(_test)

#!/usr/bin/env python3
"""The turn provider through real NATs and coturn: two processes, each behind a NAT of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import lab
import nat
import namespaces
import turn
from pair import Pair, carry, interrupted

DIAGNOSIS = os.environ.get("LOCKGATE_STUN_DIAGNOSIS", "stun_diagnosis")

directory: Path


class Traffic(unittest.TestCase):
    def check_traffic(self, pair: Pair, *options: str, a: tuple = (), b: tuple = ()) -> None:
        said_a, said_b = pair.run("traffic", 2, 200, 1000, *options, a=a, b=b)
        there, back = said_b[-1], said_a[-1]
        self.assertGreaterEqual(there["seen"], 0.98 * back["sent"])
        self.assertGreaterEqual(back["seen"], 0.98 * back["sent"])
        self.assertGreater(back["sent"], 200)
        self.assertEqual((there["duplicates"], back["duplicates"]), (0, 0))

    def test_symmetric_to_symmetric(self):
        with Pair(directory, "symmetric", "symmetric") as pair:
            self.check_traffic(pair)

    def test_each_transport(self):
        with Pair(directory, "symmetric", "symmetric") as pair:
            for transport in ("udp", "tcp", "tls"):
                with self.subTest(transport):
                    self.check_traffic(pair, a=(transport,))

    def test_udp_blocked_on_one_side(self):
        with Pair(directory, "udp-blocked", "symmetric") as pair:
            self.check_traffic(pair)

    def test_ephemeral_credentials(self):
        with Pair(directory, "symmetric", "symmetric", rest_secret="north") as pair:
            self.check_traffic(pair)

    def test_a_dead_server_stalls_nobody(self):
        with Pair(directory, "symmetric", "symmetric") as pair:
            self.check_traffic(pair, "dead-server")

    def check_interruption(self, pair: Pair, interrupt: Callable[[], object]) -> None:
        said = interrupted(pair, 3, interrupt)
        print(f"turn: interrupted: {said}", file=sys.stderr)
        for side in said:
            self.assertEqual(side["duplicates"], 0)
            self.assertGreater(side["last"], 0.95 * said[0]["sent"])

    def test_a_restarted_server_loses_a_moment_only(self):
        with Pair(directory, "symmetric", "symmetric") as pair:
            self.check_interruption(pair, pair.turn.restart)

    def test_a_dropped_allocation_loses_a_moment_only(self):
        with Pair(directory, "symmetric", "symmetric") as pair:
            self.check_interruption(pair, lambda: self.assertEqual(pair.turn.drop_allocations(), 2))


class Matrix(unittest.TestCase):
    def test_every_nat_with_every_nat(self):
        pairs = [(a, b) for a in nat.KINDS for b in nat.KINDS]
        passed = repeated = 0
        for nat_a, nat_b in pairs:
            with self.subTest(a=nat_a, b=nat_b):
                repeated += carry(directory, nat_a, nat_b)
                passed += 1
        print(
            f"turn: {passed} of {len(pairs)} pairs of NATs, {repeated} datagrams repeated",
            file=sys.stderr,
        )
        self.assertEqual(passed, 81)
        self.assertLessEqual(repeated, 4)  # as rare as data that overtakes its permission


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

#!/usr/bin/env python3
"""Tests of the laboratory: it is what it says, or says that it is not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import NoReturn
from unittest import mock

import lab
import nat
import namespaces
import turn
from namespaces import LabError, LabUnavailable

SERVER, ALTERNATE = lab.SERVER_ADDRESSES
NATLAB = [sys.executable, str(Path(__file__).with_name("natlab.py"))]
# What a round trip may take beyond the lines' delay; the least of twenty is compared.
SCHEDULING_MS = 3

directory: Path
mechanisms: list[str]


def make(nat_a: str = "none", nat_b: str = "none", *, rtt_ms: float = 0, **options) -> lab.Lab:
    return lab.Lab(directory, nat_a, nat_b, rtt_ms=rtt_ms, **options)


class Kinds(unittest.TestCase):
    """Making a Lab already asserts its NATs; a broken promise is a LabError."""

    def test_each_kind_keeps_its_promise(self):
        kinds = list(nat.KINDS)
        self.assertEqual(len(kinds), 9)
        for nat_a, nat_b in zip(kinds, kinds[1:] + kinds[:1]):
            with self.subTest(a=nat_a, b=nat_b):
                make(nat_a, nat_b).close()

    def test_promises_differ(self):
        self.assertEqual(len({kind.promise for kind in nat.KINDS.values()}), 9)

    def test_a_broken_promise_is_found(self):
        lying = nat.Kind(nat.KINDS["symmetric"].promise, nat.KINDS["port-restricted"].rules)
        with mock.patch.dict(nat.KINDS, {"symmetric": lying}):
            with self.assertRaisesRegex(LabError, "site a should be symmetric"):
                make("symmetric")

    def test_udp_getting_through_a_block_is_found(self):
        lying = nat.Kind(None, nat.KINDS["full-cone"].rules)
        with mock.patch.dict(nat.KINDS, {"udp-blocked": lying}):
            with self.assertRaisesRegex(LabError, "promised: no UDP"):
                make("udp-blocked")

    def test_double_nat(self):
        make("full-cone", "leaky", cgn_a="symmetric", cgn_b="full-cone").close()
        make("symmetric", "port-restricted", cgn_a="full-cone", cgn_b="leaky").close()

    def test_impossible_sites_are_refused(self):
        with self.assertRaisesRegex(LabError, "no such kind of NAT: cone"):
            make("cone")
        with self.assertRaisesRegex(LabError, "double NAT takes two"):
            make("none", cgn_a="symmetric")

    def test_a_binding_expires(self):
        with make("full-cone", binding_lifetime=1) as running:
            with running.a.host.udp("0.0.0.0", 20021) as inner, running.server.udp(SERVER) as outer:
                inner.sendto(b"open", outer.getsockname())
                mapped = outer.recvfrom(16)[1]
                # Twice the lifetime, as the kernel collects expired entries in its own time.
                time.sleep(2)
                inner.settimeout(0.2)
                outer.sendto(b"late", mapped)
                with self.assertRaises(socket.timeout):
                    inner.recv(16)


class Lines(unittest.TestCase):
    def test_delay(self):
        for mechanism in mechanisms:
            for rtt_ms in (20, 50):
                with self.subTest(mechanism=mechanism, rtt_ms=rtt_ms):
                    with make(rtt_ms=rtt_ms, delay_by=mechanism) as running:
                        a, b = running.a, running.b
                        to_server = min(
                            running.round_trips_ms(
                                a.host, a.host_address, running.server, SERVER
                            )
                        )
                        to_peer = min(
                            running.round_trips_ms(
                                a.host, a.host_address, b.host, b.host_address
                            )
                        )
                    self.assertGreaterEqual(to_server, rtt_ms)
                    self.assertLess(to_server, rtt_ms + SCHEDULING_MS)
                    self.assertGreaterEqual(to_peer, 2 * rtt_ms)
                    self.assertLess(to_peer, 2 * rtt_ms + SCHEDULING_MS)

    def test_loss(self):
        for mechanism in mechanisms:
            with self.subTest(mechanism=mechanism):
                with make(rtt_ms=2, loss_percent=10, delay_by=mechanism) as running:
                    lost = 1 - self._share_arriving(running, packets=2000)
                # 10 % of 2000 with a standard deviation of 0.7 %.
                self.assertGreater(lost, 0.05)
                self.assertLess(lost, 0.15)

    def test_no_loss_and_order_kept(self):
        for mechanism in mechanisms:
            with self.subTest(mechanism=mechanism):
                with make(rtt_ms=2, delay_by=mechanism) as running:
                    self.assertEqual(self._share_arriving(running, packets=2000), 1)

    def _share_arriving(self, running: lab.Lab, packets: int) -> float:
        """Sends from a to the server, 1200 bytes each, a few at a time; checks their order."""
        arrived = []
        with running.a.host.udp("0.0.0.0") as sender, running.server.udp(SERVER) as receiver:
            for number in range(packets):
                sender.sendto(number.to_bytes(4, "big") + bytes(1196), receiver.getsockname())
                if number % 50 == 49:
                    # Until nothing more comes; the last time patiently, for late ones.
                    receiver.settimeout(0.02 if number + 1 < packets else 1)
                    try:
                        while True:
                            arrived.append(int.from_bytes(receiver.recv(2048)[:4], "big"))
                    except socket.timeout:
                        pass
        self.assertEqual(arrived, sorted(set(arrived)))
        return len(arrived) / packets


class Turn(unittest.TestCase):
    def test_answers_through_a_nat_over_every_transport(self):
        with make("symmetric", rtt_ms=20) as running:
            server = running.start_turn()
            for address in lab.SERVER_ADDRESSES:
                for transport in turn.TRANSPORTS:
                    with self.subTest(address=address, transport=transport):
                        seen, _ = turn.stun_binding(
                            running.a.host, address, transport, server.certificate
                        )
                        self.assertEqual(seen, running.a.addresses.wan)

    def test_certificate_is_checked(self):
        with make() as running:
            running.start_turn()
            with self.assertRaisesRegex(OSError, "certificate"):
                turn.stun_binding(running.a.host, SERVER, "tls")

    def test_relays_for_who_has_the_credentials(self):
        right = ["-u", turn.USER, "-w", turn.PASSWORD]
        relayed, refused = "Total lost packets 0 ", "Cannot complete Allocation"
        self._assert_clients(
            {},
            (right, relayed),
            ([*right, "-x"], relayed),  # an IPv6 relayed address
            (["-u", turn.USER, "-w", "not the password"], refused),
        )
        self._assert_clients(
            {"rest_secret": "north"}, (["-W", "north"], relayed), (["-W", "south"], refused)
        )

    def _assert_clients(self, options: dict, *cases: tuple[list[str], str]) -> None:
        """Runs coturn's own client at once for all cases; each must say what is expected."""
        with make("symmetric", rtt_ms=20) as running:
            running.start_turn(**options)
            clients = [
                running.popen(
                    running.a,
                    ["turnutils_uclient", *credentials, "-n", "5", "-m", "1", "-y", SERVER],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                for credentials, _ in cases
            ]
            for client, (credentials, expected) in zip(clients, cases):
                with self.subTest(credentials=credentials):
                    self.assertIn(expected, client.communicate(timeout=30)[0])

    def test_udp_blocked_leaves_tcp_and_tls(self):
        with make("udp-blocked", rtt_ms=20) as running:
            server = running.start_turn()
            with self.assertRaises(socket.timeout):
                turn.stun_binding(running.a.host, SERVER, "udp", timeout=0.5)
            for transport in ("tcp", "tls"):
                turn.stun_binding(running.a.host, SERVER, transport, server.certificate)

    def test_udp_can_be_cut_in_mid_session(self):
        with make("port-restricted") as running:
            server = running.start_turn()
            turn.stun_binding(running.a.host, SERVER, "udp")
            running.a.set_nat("udp-blocked")
            with self.assertRaises(socket.timeout):
                turn.stun_binding(running.a.host, SERVER, "udp", timeout=0.5)
            turn.stun_binding(running.a.host, SERVER, "tls", server.certificate)

    def test_stop_and_restart(self):
        with make("port-restricted", rtt_ms=20) as running:
            server = running.start_turn()
            server.stop()
            with self.assertRaises(OSError):
                turn.stun_binding(running.a.host, SERVER, "udp", timeout=0.5)
            with self.assertRaises(ConnectionRefusedError):
                turn.stun_binding(running.a.host, SERVER, "tcp")
            server.start()
            turn.stun_binding(running.a.host, SERVER, "udp")
            server.restart()
            for transport in turn.TRANSPORTS:
                turn.stun_binding(running.a.host, SERVER, transport, server.certificate)

    def test_a_server_that_cannot_start_is_an_error(self):
        with make() as running:
            with mock.patch.object(turn, "START_DEADLINE_SECONDS", 0.5):
                with self.assertRaisesRegex(LabError, "coturn does not answer on .* over tcp"):
                    running.start_turn(options=["no-tcp"])


class CommandLine(unittest.TestCase):
    def run_lab(self, *arguments: str, timeout: str = "20") -> subprocess.CompletedProcess:
        return subprocess.run(
            [*NATLAB, "run", "--no-turn", "--rtt", "0", "--timeout", timeout, "--", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_output_has_prefixes_and_nothing_is_lost(self):
        done = self.run_lab(
            "sh", "-c", "echo one; echo two >&2", ":::", "printf", "no newline"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stdout.splitlines()), ["a| one", "a| two", "b| no newline"])

    def test_programs_are_in_their_places(self):
        show = "echo $LAB_SIDE $LAB_ADDRESS; ip -br address show dev eth0"
        done = self.run_lab("sh", "-c", show, ":::", "sh", "-c", show, ":::", "sleep", "60")
        self.assertIn("a| a 198.51.100.130", done.stdout)
        self.assertIn("b| b 203.0.113.130", done.stdout)
        self.assertRegex(done.stdout, r"b\| eth0\S* +UP +203\.0\.113\.130/25")
        self.assertEqual(done.returncode, 0)

    def test_status(self):
        self.assertEqual(self.run_lab("true", ":::", "sh", "-c", "exit 3").returncode, 3)
        self.assertEqual(self.run_lab("sh", "-c", "kill -9 $$", ":::", "true").returncode, 137)

    def test_a_program_that_cannot_start_is_an_error(self):
        done = self.run_lab("true", ":::", "/no/such/program")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: cannot start /no/such/program", done.stderr)

    def test_timeout(self):
        done = self.run_lab("sleep", "60", ":::", "true", timeout="0.5")
        self.assertEqual(done.returncode, 124)
        self.assertIn("not finished after 0.5 s", done.stderr)

    def test_nothing_survives_being_stopped(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as temporary:
                # A session of its own, which nothing but dying with the laboratory ends.
                script = "setsid sleep 4242 & echo ready; wait"
                running = subprocess.Popen(
                    [*NATLAB, "run", "--no-turn", "--rtt", "0"]
                    + ["--", "sh", "-c", script, ":::", "true"],
                    env={**os.environ, "TMPDIR": temporary},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self.assertEqual(running.stdout.readline(), b"a| ready\n")
                running.send_signal(number)
                status = running.wait(10)
                running.stdout.close()
                # With the supervisor itself killed, nobody waits for the kernel to end the rest.
                deadline = time.monotonic() + 10
                while self._is_running(b"sleep\x004242") and time.monotonic() < deadline:
                    time.sleep(0.02)
                self.assertFalse(self._is_running(b"sleep\x004242"))
                if number != signal.SIGKILL:
                    self.assertEqual(status, 128 + signal.SIGKILL)
                    self.assertEqual(os.listdir(temporary), [])

    def test_what_a_killed_run_left_is_removed(self):
        with tempfile.TemporaryDirectory() as temporary:
            stale = Path(temporary, namespaces.TEMPORARY_PREFIX + "stale")
            recent = Path(temporary, namespaces.TEMPORARY_PREFIX + "recent")
            stale.mkdir()
            recent.mkdir()
            os.utime(stale, (0, 0))
            with mock.patch.dict(os.environ, {"TMPDIR": temporary}):
                self.assertEqual(self.run_lab("true", ":::", "true").returncode, 0)
            self.assertEqual(os.listdir(temporary), [recent.name])

    def test_a_forbidding_system_is_a_skip_or_a_failure(self):
        for required, status in (("0", 77), ("1", 1)):
            with self.subTest(required=required):
                with mock.patch.dict(os.environ, {"LOCKGATE_LAB_REQUIRED": required}):
                    with self.assertRaises(SystemExit) as caught:
                        namespaces.exit_unavailable("forbidden by this test")
                self.assertEqual(caught.exception.code, status)

    @staticmethod
    def _is_running(command_line: bytes) -> bool:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if file.read_bytes().rstrip(b"\0") == command_line:
                    return True
            except OSError:
                continue  # ended meanwhile
        return False


def _mechanisms() -> list[str]:
    """Every way to delay that works here; the relay is tested even where netem is preferred."""
    preferred = lab.delay_mechanism()
    if preferred == "tun":
        return ["tun"]
    scratch = namespaces.Namespace("scratch")
    try:
        os.close(scratch.tun("probe"))
        return ["netem", "tun"]
    except LabUnavailable:
        return ["netem"]
    finally:
        scratch.close()


def _test(temporary_directory: Path) -> NoReturn:
    global directory, mechanisms
    directory, mechanisms = temporary_directory, _mechanisms()
    print(f"lab: lines are delayed by: {', '.join(mechanisms)}", file=sys.stderr)
    unittest.main()


if __name__ == "__main__":
    namespaces.run_inside(_test)

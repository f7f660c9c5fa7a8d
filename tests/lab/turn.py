"""coturn as the laboratory's STUN and TURN server, and the STUN request that proves it answers."""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from namespaces import LabError, Namespace, run_tool

REALM = "lab.example"
HOST_NAME = "turn.lab.example"
USER = "lab"
PASSWORD = "lab-password"
CONSOLE = ("127.0.0.1", 5766)
CONSOLE_PASSWORD = "lab-console"
# RFC 8489 section 8.1; the alternate ports of RFC 5780 are the next ones.
PORT = 3478
TLS_PORT = 5349
# RFC 8656 section 6: relayed ports should come from the dynamic range.
RELAY_PORTS = (49152, 65535)

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
MAGIC_COOKIE = 0x2112A442
XOR_MAPPED_ADDRESS = 0x0020
TRANSPORTS = ("udp", "tcp", "tls")

START_DEADLINE_SECONDS = 10.0


def stun_binding(
    namespace: Namespace,
    server: str,
    transport: str,
    certificate: Path | None = None,
    timeout: float = 2.0,
) -> tuple[str, int]:
    """Sends one Binding request from `namespace`; returns the mapped address the server saw.

    Raises OSError when there is no answer (or, over TLS, no trust).
    """
    with namespace:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        stream = socket.socket(socket.AF_INET, kind)
    with stream:
        stream.settimeout(timeout)
        stream.connect((server, TLS_PORT if transport == "tls" else PORT))
        if transport != "tls":
            return _binding(stream)
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(stream, server_hostname=HOST_NAME) as secured:
            return _binding(secured)


def _binding(stream: socket.socket) -> tuple[str, int]:
    transaction = os.urandom(12)
    stream.sendall(struct.pack("!HHI", BINDING_REQUEST, 0, MAGIC_COOKIE) + transaction)
    reply = stream.recv(2048)
    kind, length, cookie = struct.unpack_from("!HHI", reply)
    if kind != BINDING_SUCCESS or cookie != MAGIC_COOKIE or reply[8:20] != transaction:
        raise LabError(f"not the answer to a Binding request: {reply.hex()}")
    position = 20
    while position < 20 + length:
        attribute, size = struct.unpack_from("!HH", reply, position)
        if attribute == XOR_MAPPED_ADDRESS:
            port, address = struct.unpack_from("!HI", reply, position + 6)
            address ^= MAGIC_COOKIE
            return socket.inet_ntoa(struct.pack("!I", address)), port ^ (MAGIC_COOKIE >> 16)
        position += 4 + (size + 3) // 4 * 4
    raise LabError("Binding answer without XOR-MAPPED-ADDRESS")


@dataclass
class TurnServer:
    """coturn in a namespace: UDP, TCP, TLS on two addresses, IPv4 and IPv6 relaying, credentials.

    With `rest_secret`, users and passwords are ephemeral ones derived from that secret instead.
    `options` are further lines for its configuration file. Nothing of a system-wide coturn is used
    but the program.
    """

    namespace: Namespace
    addresses: tuple[str, str]
    relay_addresses: tuple[str, str]
    directory: Path
    rest_secret: str | None = None
    options: list[str] = field(default_factory=list)
    _process: subprocess.Popen | None = None

    @property
    def certificate(self) -> Path:
        """The self-signed certificate, which is also what a client has to trust."""
        return self.directory / "turn-cert.pem"

    @property
    def log(self) -> Path:
        return self.directory / "turn.log"

    def start(self) -> None:
        """Starts the server and returns when it answers over UDP, TCP and TLS."""
        if self._process is not None:
            raise LabError("coturn is already running")
        if not self.certificate.exists():
            self._make_certificate()
        configuration = self.directory / "turn.conf"
        configuration.write_text("\n".join(self._configuration()) + "\n")
        # Opened for appending: a restart continues the same log.
        with self.log.open("ab") as log:
            self._process = self.namespace.popen(
                ["turnserver", "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for address in self.addresses:
            for transport in TRANSPORTS:
                self._await_answer(address, transport)

    def stop(self) -> None:
        """Kills the server: nobody is told, every allocation is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stops and starts the server."""
        self.stop()
        self.start()

    def drop_allocations(self) -> int:
        """Ends every allocation, while the server goes on; returns how many there were."""
        with self.namespace:
            console = socket.create_connection(CONSOLE, timeout=2)
        with console:
            self._ask_console(console, None, rb"password:\s*$")
            self._ask_console(console, CONSOLE_PASSWORD)
            sessions = re.findall(rb"id=(\d+)", self._ask_console(console, "ps"))
            for session in sessions:
                self._ask_console(console, f"cs {session.decode()}")
        return len(sessions)

    @staticmethod
    def _ask_console(
        console: socket.socket, question: str | None, end: bytes = rb"(^|\s)>\s*$"
    ) -> bytes:
        if question is not None:
            console.sendall(question.encode() + b"\r\n")
        said = b""
        while not re.search(end, said):
            part = console.recv(65536)
            if not part:
                raise LabError("coturn's console has closed the connection")
            said += part
        return said

    def _make_certificate(self) -> None:
        names = ",".join([f"DNS:{HOST_NAME}"] + [f"IP:{address}" for address in self.addresses])
        run_tool(
            "openssl req -x509 -nodes -days 2".split()
            + "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1".split()
            + ["-keyout", str(self.directory / "turn-key.pem"), "-out", str(self.certificate)]
            + ["-subj", f"/CN={HOST_NAME}", "-addext", f"subjectAltName={names}"]
        )

    def _configuration(self) -> list[str]:
        if self.rest_secret is None:
            credentials = ["lt-cred-mech", f"user={USER}:{PASSWORD}"]
        else:
            credentials = ["use-auth-secret", f"static-auth-secret={self.rest_secret}"]
        return [
            *(f"listening-ip={address}" for address in self.addresses),
            *(f"relay-ip={address}" for address in self.relay_addresses),
            f"listening-port={PORT}",
            f"tls-listening-port={TLS_PORT}",
            f"min-port={RELAY_PORTS[0]}",
            f"max-port={RELAY_PORTS[1]}",
            f"realm={REALM}",
            *credentials,
            f"cert={self.certificate}",
            f"pkey={self.directory / 'turn-key.pem'}",
            f"userdb={self.directory / 'turn.db'}",
            f"pidfile={self.directory / 'turn.pid'}",
            "log-file=stdout",
            "verbose",
            f"cli-ip={CONSOLE[0]}",
            f"cli-port={CONSOLE[1]}",
            f"cli-password={CONSOLE_PASSWORD}",
            "no-dtls",
            "fingerprint",
            *self.options,
        ]

    def _await_answer(self, address: str, transport: str) -> None:
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                stun_binding(self.namespace, address, transport, self.certificate, timeout=0.2)
                return
            except OSError:
                time.sleep(0.02)
        raise LabError(
            f"coturn does not answer on {address} over {transport}; its log:\n"
            + self.log.read_text()
        )

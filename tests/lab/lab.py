"""The laboratory itself: two hosts, each behind its NATs, and a server, on lines with delay."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import nat
import turn
from namespaces import LabError, LabUnavailable, Namespace, run_tool

SERVER_ADDRESSES = ("192.0.2.1", "192.0.2.2")
SERVER_GATEWAY = "192.0.2.254"
# Only for relayed addresses: no line leads there.
SERVER_RELAY_IPV6 = "2001:db8::1"
MTU_BYTES = 1500
# Above what a 10 ms line holds at 800,000 packets/s; netem's own default is 1000.
NETEM_LIMIT_PACKETS = 8192
# A burst waits here while the relay is not scheduled; the default is 500.
TUN_QUEUE_PACKETS = 8192
TERMINATION_GRACE_SECONDS = 2.0
DELAY_MECHANISMS = ("netem", "tun")


@dataclass(frozen=True)
class SiteAddresses:
    """The addresses of a site: outside, between its two NATs, and of the host."""

    wan: str
    core: str
    public_net: str  # part of the outside network routed to a host without NAT
    public_gateway: str
    public_host: str
    shared_outer: str
    shared_inner: str
    private_gateway: str
    private_host: str


def _addresses(outside: str, number: int) -> SiteAddresses:
    return SiteAddresses(
        wan=f"{outside}.1",
        core=f"{outside}.126",
        public_net=f"{outside}.128/25",
        public_gateway=f"{outside}.129",
        public_host=f"{outside}.130",
        shared_outer=f"100.64.{number}.1",  # RFC 6598
        shared_inner=f"100.64.{number}.2",
        private_gateway=f"10.0.{number}.1",
        private_host=f"10.0.{number}.2",
    )


ADDRESSES = {"a": _addresses("198.51.100", 1), "b": _addresses("203.0.113", 2)}


def delay_mechanism() -> str:
    """What gives a line its delay on this system: the kernel's netem, or the relay over TUN."""
    scratch = Namespace("scratch")
    try:
        with scratch:
            run_tool("tc qdisc add dev lo root netem delay 1ms".split())
        return "netem"
    except LabError:
        os.close(scratch.tun("probe"))
        return "tun"
    finally:
        scratch.close()


class Site:
    """A host and the NATs it is behind."""

    def __init__(self, name: str, kind: str, cgn: str | None, binding_lifetime: int) -> None:
        for each in filter(None, (kind, cgn)):
            if each not in nat.KINDS:
                raise LabError(f"no such kind of NAT: {each}; there are {', '.join(nat.KINDS)}")
        if cgn is not None and "none" in (kind, cgn):
            raise LabError("double NAT takes two NATs, and none is not one")
        self.name = name
        self.kind = kind
        self.cgn = cgn
        self.binding_lifetime = binding_lifetime
        self.addresses = ADDRESSES[name]
        self.host = Namespace(f"host-{name}")
        self.gateway = Namespace(f"gateway-{name}")
        self.outermost = self.gateway if cgn is None else Namespace(f"cgn-{name}")
        self._build_inside()

    @property
    def host_address(self) -> str:
        at = self.addresses
        return at.public_host if self.kind == "none" else at.private_host

    @property
    def promise(self) -> nat.Behaviour | None:
        """What the site's NATs together promise; None: no UDP passes."""
        promises = [nat.KINDS[kind].promise for kind in (self.kind, self.cgn) if kind is not None]
        if None in promises:
            return None
        return promises[0].behind(promises[1]) if self.cgn else promises[0]

    def set_nat(self, kind: str) -> None:
        """Replaces the gateway's NAT, even under running programs; live flows keep their state."""
        if "none" in (kind, self.kind):
            raise LabError("a host's addresses cannot change from or to kind none")
        self.kind = kind
        self._apply_nat()

    def _build_inside(self) -> None:
        at = self.addresses
        public = self.kind == "none"
        gateway_address = at.public_gateway if public else at.private_gateway
        connect(self.host, "eth0", self.gateway, "lan")
        self.host.ip(
            f"address add {self.host_address}/25 dev eth0",
            f"route add default via {gateway_address}",
        )
        self.host.sysctl(ipv4__ip_local_port_range=nat.LOCAL_PORT_RANGE)
        self.gateway.ip(f"address add {gateway_address}/25 dev lan")
        if self.cgn is not None:
            connect(self.gateway, "wan", self.outermost, "lan")
            self.gateway.ip(
                f"address add {at.shared_inner}/24 dev wan",
                f"route add default via {at.shared_outer}",
            )
            self.outermost.ip(f"address add {at.shared_outer}/24 dev lan")
        self._apply_nat()

    def _apply_nat(self) -> None:
        at = self.addresses
        inner_wan = at.wan if self.cgn is None else at.shared_inner
        nat.apply(self.kind, self.gateway, inner_wan, self.binding_lifetime)
        if self.cgn is not None:
            nat.apply(self.cgn, self.outermost, at.wan, self.binding_lifetime)


def connect(a: Namespace, a_device: str, b: Namespace, b_device: str) -> None:
    """Joins two namespaces by a line without delay."""
    a.ip(f"link add name {a_device} type veth peer name {b_device} netns {b.path}")
    a.ip(f"link set {a_device} up")
    b.ip(f"link set {b_device} up")


class Lab:
    """The running laboratory; as a context manager it is torn down at the end.

    rtt_ms is the round trip from a host to the server; from host to host it is twice that. Loss
    applies to each direction of each site's line to the core. binding_lifetime is in seconds.
    """

    def __init__(
        self,
        directory: Path,
        nat_a: str = "none",
        nat_b: str = "none",
        *,
        cgn_a: str | None = None,
        cgn_b: str | None = None,
        rtt_ms: float = 20,
        loss_percent: float = 0,
        delay_by: str | None = None,
        binding_lifetime: int = nat.BINDING_LIFETIME_SECONDS,
        seed: int = 1,
    ) -> None:
        self.directory = directory
        self.one_way_ms = rtt_ms / 2
        self.loss_percent = loss_percent
        self.seed = seed
        self._processes: list[subprocess.Popen] = []
        needs_line = rtt_ms > 0 or loss_percent > 0
        self.delay_by = (delay_by or delay_mechanism()) if needs_line else None
        self.core = Namespace("core")
        self.server = Namespace("server")
        self.turn: turn.TurnServer | None = None
        self._build_core()
        self.a = Site("a", nat_a, cgn_a, binding_lifetime)
        self.b = Site("b", nat_b, cgn_b, binding_lifetime)
        for site in (self.a, self.b):
            self._connect_to_core(site)
            self.check(site)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every process the laboratory started, and gives up its namespaces."""
        if self.turn is not None:
            self.turn.stop()
        for process in self._processes:
            terminate(process)
        namespaces = {self.core, self.server}
        for site in (self.a, self.b):
            namespaces |= {site.host, site.gateway, site.outermost}
        for namespace in namespaces:
            namespace.close()

    def check(self, site: Site) -> None:
        """Raises LabError unless the site's NATs treat UDP as promised, and pass TCP."""
        observed = nat.observe(site.host, site.host_address, self.server, SERVER_ADDRESSES)
        if observed != site.promise:
            kinds = site.kind if site.cgn is None else f"{site.kind} behind {site.cgn}"
            raise LabError(
                f"site {site.name} should be {kinds}\n"
                f"  promised: {site.promise or 'no UDP'}\n"
                f"  observed: {observed or 'no UDP'}"
            )
        with self.server.tcp() as listener, site.host.tcp() as client:
            listener.bind((SERVER_ADDRESSES[0], nat.SERVER_PORTS[0]))
            listener.listen()
            client.settimeout(nat.WAIT_SECONDS)
            try:
                client.connect(listener.getsockname())
            except OSError as error:
                raise LabError(f"site {site.name} does not pass TCP: {error}") from None

    def start_turn(self, **options) -> turn.TurnServer:
        """Starts coturn in the server namespace; see turn.TurnServer for options."""
        self.turn = turn.TurnServer(
            self.server,
            SERVER_ADDRESSES,
            (SERVER_ADDRESSES[0], SERVER_RELAY_IPV6),
            self.directory,
            **options,
        )
        self.turn.start()
        return self.turn

    def environment(self, site: Site | None = None) -> dict[str, str]:
        """What a program under test needs to know, as environment variables."""
        known = {
            "LAB_SERVER": SERVER_ADDRESSES[0],
            "LAB_SERVER_ALTERNATE": SERVER_ADDRESSES[1],
        }
        if site is not None:
            known |= {"LAB_SIDE": site.name, "LAB_ADDRESS": site.host_address}
        if self.turn is not None:
            known |= {
                "LAB_TURN_PORT": str(turn.PORT),
                "LAB_TURN_TLS_PORT": str(turn.TLS_PORT),
                "LAB_TURN_REALM": turn.REALM,
                "LAB_TURN_HOST_NAME": turn.HOST_NAME,
                "LAB_TURN_CERTIFICATE": str(self.turn.certificate),
            }
            if self.turn.rest_secret is None:
                known |= {"LAB_TURN_USER": turn.USER, "LAB_TURN_PASSWORD": turn.PASSWORD}
            else:
                known |= {"LAB_TURN_REST_SECRET": self.turn.rest_secret}
        return known

    def popen(self, where: Site | Namespace, command: list[str], **options) -> subprocess.Popen:
        """Starts a program on a site's host or in a namespace; close() ends it if need be."""
        site = where if isinstance(where, Site) else None
        namespace = where.host if isinstance(where, Site) else where
        process = namespace.popen(
            command, env={**os.environ, **self.environment(site)}, **options
        )
        self._processes.append(process)
        return process

    def round_trips_ms(
        self, a: Namespace, a_address: str, b: Namespace, b_address: str
    ) -> list[float]:
        """Measures 20 UDP round trips from a to b, after one that fills the neighbour tables."""
        measured = []
        with a.udp(a_address) as here, b.udp(b_address) as there:
            here.settimeout(nat.WAIT_SECONDS)
            there.settimeout(nat.WAIT_SECONDS)
            for _ in range(21):
                begin = time.monotonic()
                here.sendto(b"?", there.getsockname())
                there.sendto(b"!", there.recvfrom(1)[1])
                here.recv(1)
                measured.append((time.monotonic() - begin) * 1000)
        return measured[1:]

    def _build_core(self) -> None:
        connect(self.core, "server", self.server, "eth0")
        # Packets to nowhere vanish silently, as they mostly do in the Internet. The server's
        # default route matters: without a route to a peer, coturn drops the whole allocation.
        self.core.ip(f"address add {SERVER_GATEWAY}/24 dev server", "route add blackhole default")
        self.core.sysctl(ipv4__ip_forward=1)
        self.server.ip(
            *(f"address add {address}/24 dev eth0" for address in SERVER_ADDRESSES),
            f"address add {SERVER_RELAY_IPV6}/64 dev eth0 nodad",
            f"route add default via {SERVER_GATEWAY}",
        )

    def _connect_to_core(self, site: Site) -> None:
        at = site.addresses
        core_device = f"site-{site.name}"
        ends = ((site.outermost, "wan"), (self.core, core_device))
        if self.delay_by == "tun":
            self._start_relay(ends)
        else:
            connect(*ends[0], *ends[1])
            if self.delay_by == "netem":
                for namespace, device in ends:
                    self._add_netem(namespace, device)
        site.outermost.ip(
            f"address add {at.wan} peer {at.core} dev wan", f"route add default via {at.core}"
        )
        self.core.ip(f"address add {at.core} peer {at.wan} dev {core_device}")
        if site.kind == "none":
            self.core.ip(f"route add {at.public_net} via {at.wan}")

    def _add_netem(self, namespace: Namespace, device: str) -> None:
        with namespace:
            run_tool(
                f"tc qdisc add dev {device} root netem limit {NETEM_LIMIT_PACKETS}"
                f" delay {self.one_way_ms}ms loss {self.loss_percent}%".split()
            )

    def _start_relay(self, ends: tuple[tuple[Namespace, str], ...]) -> None:
        relay = self._relay_program()
        descriptors = [namespace.tun(device) for namespace, device in ends]
        arguments = [*descriptors, round(self.one_way_ms * 1000), self.loss_percent, self.seed]
        with (self.directory / f"relay-{ends[1][1]}.log").open("ab") as log:
            self._processes.append(
                self.core.popen(
                    [str(relay), *map(str, arguments)], pass_fds=descriptors, stderr=log
                )
            )
        for descriptor, (namespace, device) in zip(descriptors, ends):
            os.close(descriptor)
            namespace.ip(f"link set {device} up mtu {MTU_BYTES} txqueuelen {TUN_QUEUE_PACKETS}")

    def _relay_program(self) -> Path:
        """The one the build made, or else one compiled now."""
        if built := os.environ.get("LOCKGATE_DELAY_RELAY"):
            return Path(built)
        program = self.directory / "delay_relay"
        if not program.exists():
            compiler = shutil.which("c++")
            if compiler is None:
                raise LabUnavailable("needs a C++ compiler or LOCKGATE_DELAY_RELAY=<program>")
            source = Path(__file__).with_name("delay_relay.cpp")
            run_tool([compiler, "-std=c++20", "-O2", str(source), "-o", str(program)])
        return program


def terminate(process: subprocess.Popen) -> None:
    """Ends a process started by a laboratory, with all it started: politely, then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(TERMINATION_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()

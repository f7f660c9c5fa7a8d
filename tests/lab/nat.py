"""The nine kinds of NAT: what each promises, how nftables keeps the promise, and the proof.

Terms are those of RFC 4787: mapping (section 4.1) and filtering (section 5), each endpoint-
independent, address-dependent, or address-and-port-dependent.
"""

from __future__ import annotations

import itertools
import socket
import time
from dataclasses import dataclass
from enum import IntEnum

from namespaces import LabError, Namespace

# RFC 4787 REQ-5: a mapping must not expire in less than two minutes.
BINDING_LIFETIME_SECONDS = 120


# Local ports of the hosts, and the ports of NATs that change them, do not overlap: a changed port
# never is the old one by chance.
LOCAL_PORT_RANGE = "32768 40959"
FIRST_OUTER_PORT = 41000
OUTER_PORTS = 24500


class Scope(IntEnum):
    """How much of the remote endpoint a mapping or a filter looks at; ordered by strictness."""

    ENDPOINT_INDEPENDENT = 0
    ADDRESS_DEPENDENT = 1
    ADDRESS_AND_PORT_DEPENDENT = 2

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Behaviour:
    """What a NAT does to a host's UDP, as seen from outside."""

    mapping: Scope
    filtering: Scope
    translates: bool = True
    keeps_port: bool = True
    # A stranger's packet that comes before ours to that stranger gives ours another port.
    moved_by_early_packet: bool = False

    def __str__(self) -> str:
        return (
            f"mapping {self.mapping}, filtering {self.filtering}"
            f", {'translates' if self.translates else 'does not translate'}"
            f", {'keeps' if self.keeps_port else 'changes'} the port"
            f"{', moved by an early packet' if self.moved_by_early_packet else ''}"
        )

    def behind(self, outer: Behaviour) -> Behaviour:
        """What the two in a row do (double NAT)."""
        stranger_passes_outer = outer.filtering == Scope.ENDPOINT_INDEPENDENT
        mapping = max(self.mapping, outer.mapping)
        return Behaviour(
            mapping=mapping,
            filtering=max(self.filtering, outer.filtering),
            translates=self.translates or outer.translates,
            keeps_port=self.keeps_port and outer.keeps_port,
            moved_by_early_packet=mapping == Scope.ENDPOINT_INDEPENDENT
            and (
                outer.moved_by_early_packet
                or (stranger_passes_outer and self.moved_by_early_packet)
            ),
        )


@dataclass(frozen=True)
class Kind:
    """A kind of NAT: its promise (None: no UDP passes) and the nftables rules that keep it."""

    promise: Behaviour | None
    rules: str = ""


# Linux keeps the port and filters by address and port of itself; what else a kind needs is added.
MASQUERADE = """
table ip translation {
  chain outbound {
    type nat hook postrouting priority srcnat
    oifname "wan" masquerade
  }
}
"""

# Dropped here, an unsolicited packet leaves no conntrack entry. Accepted, the gateway answers it
# with an ICMP error, and the entry occupies the tuple a later outbound flow would have had.
DROP_UNSOLICITED = """
table ip unsolicited {
  chain drop_it {
    type filter hook input priority filter
    iifname "wan" ct state new drop
  }
}
"""

# The outer port equals the inner one, so the inner port finds the inner host again.
LEARN_MAPPINGS = """
table ip cone {
  map inner_by_port {
    type inet_service : ipv4_addr . inet_service
    flags dynamic,timeout
    timeout LIFETIMEs
    size 65535
  }
  set contacted {
    type inet_service . ipv4_addr
    flags dynamic,timeout
    timeout LIFETIMEs
    size 65535
  }
  chain learn {
    type filter hook postrouting priority mangle
    oifname "wan" meta l4proto udp update @inner_by_port { udp sport : ip saddr . udp sport }
    oifname "wan" meta l4proto udp update @contacted { udp sport . ip daddr }
  }
  chain inbound {
    type nat hook prerouting priority dstnat
    ADMIT dnat ip to udp dport map @inner_by_port
  }
}
"""


def _cone(admit: str) -> str:
    return MASQUERADE + DROP_UNSOLICITED + LEARN_MAPPINGS.replace("ADMIT", admit)


def _hashed(key: str) -> str:
    """A NAT whose outer port depends on exactly `key`, and never is the inner one.

    The fixed seed makes a run repeatable.
    """
    port = f"jhash {key} mod {OUTER_PORTS} seed 0x6c67 offset {FIRST_OUTER_PORT}"
    return (
        DROP_UNSOLICITED
        + f"""
table ip translation {{
  chain outbound {{
    type nat hook postrouting priority srcnat
    oifname "wan" meta l4proto udp snat to WAN : {port}
    oifname "wan" masquerade
  }}
}}
"""
    )


_INDEPENDENT, _ADDRESS, _PORT = Scope

KINDS = {
    "none": Kind(Behaviour(_INDEPENDENT, _INDEPENDENT, translates=False)),
    "full-cone": Kind(
        Behaviour(_INDEPENDENT, _INDEPENDENT), _cone('iifname "wan" meta l4proto udp')
    ),
    "address-restricted": Kind(
        Behaviour(_INDEPENDENT, _ADDRESS), _cone('iifname "wan" udp dport . ip saddr @contacted')
    ),
    "port-restricted": Kind(Behaviour(_INDEPENDENT, _PORT), MASQUERADE + DROP_UNSOLICITED),
    "leaky": Kind(Behaviour(_INDEPENDENT, _PORT, moved_by_early_packet=True), MASQUERADE),
    "port-changing": Kind(
        Behaviour(_INDEPENDENT, _PORT, keeps_port=False), _hashed("ip saddr . udp sport")
    ),
    "address-dependent": Kind(
        Behaviour(_ADDRESS, _PORT, keeps_port=False), _hashed("ip saddr . udp sport . ip daddr")
    ),
    "symmetric": Kind(
        Behaviour(_PORT, _PORT, keeps_port=False),
        _hashed("ip saddr . udp sport . ip daddr . udp dport"),
    ),
    "udp-blocked": Kind(
        None,
        MASQUERADE
        + """
table ip blocking {
  chain forwarded {
    type filter hook forward priority filter
    meta l4proto udp drop
  }
}
""",
    ),
}


def apply(kind: str, gateway: Namespace, wan_address: str, lifetime_seconds: int) -> None:
    """Makes `gateway` a NAT of this kind; its outer device is "wan"."""
    rules = KINDS[kind].rules
    gateway.nft(rules.replace("WAN", wan_address).replace("LIFETIME", str(lifetime_seconds)))
    gateway.sysctl(
        ipv4__ip_forward=1,
        netfilter__nf_conntrack_udp_timeout=lifetime_seconds,
        netfilter__nf_conntrack_udp_timeout_stream=lifetime_seconds,
    )


# The probe. Its sockets are in the host and the server namespace, but all belong to this process,
# so it sees at once what left on one side and what arrived on the other.

# Outside LOCAL_PORT_RANGE: never the port of a program under test.
HOST_PORTS = (20001, 20002)
SERVER_PORTS = (20011, 20012)
# Copies of each packet, against a lossy link.
COPIES = 5
# Longest wait for a packet that should come; only a NAT that blocks makes the probe spend it.
WAIT_SECONDS = 2.0

_numbers = itertools.count(1)


def _source(receiver: socket.socket, payload: bytes, deadline: float) -> tuple[str, int] | None:
    """Where this payload came from, None if it did not come; what arrives before it is dropped."""
    try:
        while True:
            # Never zero, which would mean not to look even for what has arrived.
            receiver.settimeout(max(deadline - time.monotonic(), 0.01))
            data, source = receiver.recvfrom(64)
            if data == payload:
                return source
    except socket.timeout:
        return None


def _mapped(host: socket.socket, servers: list[socket.socket]) -> list[tuple[str, int] | None]:
    """The address by which each server knows the host's socket, None if nothing gets through."""
    payload = b"probe %d" % next(_numbers)
    for server, _ in itertools.product(servers, range(COPIES)):
        host.sendto(payload, server.getsockname())
    deadline = time.monotonic() + WAIT_SECONDS
    return [_source(server, payload, deadline) for server in servers]


def _let_in(
    host: socket.socket, known: socket.socket, strangers: list[socket.socket], mapped
) -> list[bool]:
    """Which strangers' packets to the mapped address reach the host.

    The network keeps order: once the known server's later packet is there, a stranger's that is
    not there never comes.
    """
    fence = b"fence %d" % next(_numbers)
    for _ in range(COPIES):
        for index, stranger in enumerate(strangers):
            stranger.sendto(b"%d of " % index + fence, mapped)
    for _ in range(COPIES):
        known.sendto(fence, mapped)
    arrived = set()
    host.settimeout(WAIT_SECONDS)
    try:
        while (data := host.recv(64)) != fence:
            arrived.add(data)
    except socket.timeout:
        raise LabError("answers from a server the host has talked to do not arrive") from None
    return [b"%d of " % index + fence in arrived for index in range(len(strangers))]


def observe(
    host: Namespace, host_address: str, server: Namespace, server_addresses: tuple[str, str]
) -> Behaviour | None:
    """Determines how the host's UDP is treated on its way to the server; None: it is blocked."""
    sockets = [host.udp(host_address, port) for port in HOST_PORTS] + [
        server.udp(address, port) for address in server_addresses for port in SERVER_PORTS
    ]
    first, second, s11, s12, s21, _ = sockets
    try:
        mapped = _mapped(first, [s11, s12, s21])
        if mapped == [None, None, None]:
            return None
        if None in mapped:
            raise LabError(f"UDP reaches some server ports only: {mapped}")
        if mapped[0] != mapped[1]:
            mapping = Scope.ADDRESS_AND_PORT_DEPENDENT
        elif mapped[0] != mapped[2]:
            mapping = Scope.ADDRESS_DEPENDENT
        else:
            mapping = Scope.ENDPOINT_INDEPENDENT

        [outside] = _mapped(second, [s11])
        same_address, other_address = _let_in(second, s11, [s12, s21], outside)
        if other_address:
            filtering = Scope.ENDPOINT_INDEPENDENT
        elif same_address:
            filtering = Scope.ADDRESS_DEPENDENT
        else:
            filtering = Scope.ADDRESS_AND_PORT_DEPENDENT

        return Behaviour(
            mapping,
            filtering,
            translates=mapped[0][0] != host_address,
            keeps_port=all(seen[1] == HOST_PORTS[0] for seen in mapped),
            # s21 was a stranger whose packet came early.
            moved_by_early_packet=mapping == Scope.ENDPOINT_INDEPENDENT
            and _mapped(second, [s21]) != [outside],
        )
    finally:
        for each in sockets:
            each.close()

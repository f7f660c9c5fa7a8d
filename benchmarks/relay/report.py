#!/usr/bin/env python3
"""What relaying costs, measured through real NATs and coturn: one table, `case | target | measured`.

    report.py PEER RENDEZVOUS-SERVER DELAY-RELAY [--smoke] [--contender NICE-PEER]

Ends with status 1 when a target is missed. With --smoke every case runs, briefly, and no target
is held. Side a and side b are in namespaces of their own, each behind a symmetric NAT unless the
case says otherwise; nothing outside is touched.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "lab"))

parser = argparse.ArgumentParser(description="what relaying costs")
parser.add_argument("peer")
parser.add_argument("rendezvous")
parser.add_argument("delay_relay")
parser.add_argument("--contender", help="libnice's client")
parser.add_argument("--smoke", action="store_true", help="run everything, briefly; hold no target")
given = parser.parse_args()
os.environ["LOCKGATE_TURN_PEER"] = given.peer
os.environ["LOCKGATE_RENDEZVOUS_SERVER"] = given.rendezvous
os.environ["LOCKGATE_DELAY_RELAY"] = given.delay_relay

import nat  # noqa: E402
import namespaces  # noqa: E402
from pair import RTT_MS, Pair, carry, interrupted  # noqa: E402

ROUNDS = 2 if given.smoke else 20
STEADY_NS = 1_000_000_000
KEEP_ALIVE = 3 if given.smoke else 15  # seconds; the default of turn_options is 15
TRANSACTION = 39.5  # seconds, RFC 8489 section 6.2.1
FLOOD_SECONDS = 1 if given.smoke else 5
FLOOD_ROUNDS = 1 if given.smoke else 5
RATE = 20_000  # datagrams a second
SIZE = 1200  # bytes

directory: Path


def first_datagram(
    since: str,
    settle_ms: int,
    nats: tuple[str, str] = ("symmetric", "symmetric"),
    a: tuple = (),
    b: tuple = (),
) -> float:
    """The median time in ms from `since` to the first datagram received, by b."""
    with Pair(directory, *nats) as pair:
        start = time.monotonic_ns() + STEADY_NS
        said_a, said_b = pair.run("setup", ROUNDS, start, settle_ms, a=a, b=b)
    began = {line["round"]: line[since] for line in said_a if since in line}
    received = {line["round"]: line["received"] for line in said_b}
    times = [(received[i] - began[i]) / 1e6 for i in range(ROUNDS)]
    print(f"{since}: {' '.join(f'{t:.1f}' for t in times)} ms", file=sys.stderr)
    return statistics.median(times)


def interruption(how: Callable[[Pair], object]) -> tuple[float, int]:
    """The longest silence in s, and how many datagrams came twice, when allocations are gone."""
    with Pair(directory, "symmetric", "symmetric") as pair:
        said = interrupted(pair, KEEP_ALIVE, lambda: how(pair))
    if any(side["last"] < 0.95 * said[0]["sent"] for side in said):
        raise AssertionError(f"traffic did not resume: {said}")
    return max(side["gap_ms"] for side in said) / 1000, sum(side["duplicates"] for side in said)


def pairs_of_nats() -> tuple[int, int, int]:
    """How many pairs of NATs a datagram passes, of how many, and how many it took in addition."""
    kinds = ["symmetric", "udp-blocked"] if given.smoke else list(nat.KINDS)
    passed = repeated = 0
    for a, b in itertools.product(kinds, kinds):
        try:
            repeated += carry(directory, a, b)
            passed += 1
        except AssertionError as error:
            print(f"{a} to {b}: {error}", file=sys.stderr)
    return passed, len(kinds) ** 2, repeated


def flood(pair: Pair) -> list[dict[str, int]]:
    """What both of our peers say about a flood over UDP, the contender's only way."""
    return [said[-1] for said in pair.run("flood", FLOOD_SECONDS, RATE, SIZE, "udp")]


def contending_flood(pair: Pair) -> list[dict[str, int]]:
    """What both of the contender's peers say; carries their descriptions between them."""
    peers = [
        pair.lab.popen(
            site,
            [given.contender, str(FLOOD_SECONDS), str(RATE), str(SIZE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for site in (pair.lab.a, pair.lab.b)
    ]
    descriptions = [list(iter(peer.stdout.readline, "end\n")) for peer in peers]
    for peer, description in zip(peers, reversed(descriptions)):
        peer.stdin.write("".join(description) + "end\n")
        peer.stdin.flush()
    said = [peer.communicate(timeout=60)[0] for peer in peers]
    return [
        {key: int(value) for key, value in (word.split("=") for word in text.split())}
        for text in said
    ]


def cpu_of(said: list[dict[str, int]]) -> float:
    """Processor time of both sides in us for one datagram that arrived."""
    return sum(side["cpu_us"] / side["datagrams"] for side in said)


def lost_by(said: list[dict[str, int]]) -> float:
    """The share of what a has sent that b has not received."""
    return max(0.0, 1 - said[1]["datagrams"] / said[0]["datagrams"])


def floods() -> tuple[float, float, int, int]:
    """Our processor time and theirs in us a datagram, our copies and allocations for all."""
    ours, theirs, copies, allocations, our_loss, their_loss = [], [], 0, 0, [], []
    with Pair(directory, "symmetric", "symmetric", rtt_ms=0) as pair:
        for _ in range(FLOOD_ROUNDS):
            said = flood(pair)
            ours.append(cpu_of(said))
            copies += sum(side["copies"] for side in said)
            allocations += sum(side["allocations"] for side in said)
            our_loss.append(lost_by(said))
            if given.contender:
                said = contending_flood(pair)
                theirs.append(cpu_of(said))
                their_loss.append(lost_by(said))
    for name, costs, losses in (("ours", ours, our_loss), ("libnice's", theirs, their_loss)):
        shown = ", ".join(f"{us:.1f} us ({loss:.0%} lost)" for us, loss in zip(costs, losses))
        print(f"a datagram, {name}: {shown}", file=sys.stderr)
    return (
        statistics.median(ours),
        statistics.median(theirs) if theirs else float("nan"),
        copies,
        allocations,
    )


def measure(temporary_directory: Path) -> int:
    global directory
    directory = temporary_directory
    rows: list[tuple[str, str, str, bool]] = []

    def row(case: str, target: str, measured: str, met: bool) -> None:
        rows.append((case, target, measured, met))

    ms = first_datagram("registered", 0)
    row("registration to first datagram, UDP", "<= 130 ms", f"{ms:.1f} ms", ms <= 130)
    ms = first_datagram("demanded", 400)
    row("demand to first datagram, session up", "<= 70 ms", f"{ms:.1f} ms", ms <= 70)
    # Towards the blocked side, which has announced itself by then; the other direction takes one
    # round trip more, for the answer to the announcement.
    trips = first_datagram("registered", 0, ("symmetric", "udp-blocked"), b=("tls",)) / RTT_MS
    row("UDP blocked on one side, TLS", "<= 8 round trips", f"{trips:.1f}", trips <= 8)
    trips = first_datagram("registered", 0, ("udp-blocked", "symmetric"), a=("tls",)) / RTT_MS
    row("the same, from the blocked side", "reported", f"{trips:.1f}", True)
    bound = KEEP_ALIVE + TRANSACTION
    for case, how in (
        ("server restarts", lambda pair: pair.turn.restart()),
        ("server drops the allocations", lambda pair: pair.turn.drop_allocations()),
    ):
        gap, twice = interruption(how)
        row(
            f"{case}: silence, delivered twice",
            f"<= {bound:g} s, 0",
            f"{gap:.1f} s, {twice}",
            gap <= bound and twice == 0,
        )
    passed, of, repeated = pairs_of_nats()
    row(
        "pairs of NATs, relayed",
        f"{of} of {of}",
        f"{passed} of {of}, {repeated} repeated",
        passed == of,
    )
    ours, theirs, copies, allocations = floods()
    row(
        f"our CPU / libnice's, {SIZE} B at {RATE}/s",
        "<= 0.5",
        f"{ours / theirs:.2f} ({ours:.1f} us / {theirs:.1f} us)" if given.contender else "no libnice",
        bool(given.contender) and ours / theirs <= 0.5,
    )
    row(
        f"copies, allocations for {FLOOD_ROUNDS * FLOOD_SECONDS * RATE * 2} datagrams, UDP",
        "0, 0",
        f"{copies}, {allocations}",
        copies == 0 and allocations == 0,
    )
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    for case, target, measured, met in [("case", "target", "measured", True), *rows]:
        mark = "" if met else "  MISSED"
        print(f"{case:{widths[0]}} | {target:{widths[1]}} | {measured:{widths[2]}}{mark}", flush=True)
    return 0 if given.smoke or all(met for *_, met in rows) else 1


if __name__ == "__main__":
    namespaces.run_inside(measure)

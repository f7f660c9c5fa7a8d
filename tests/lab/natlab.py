#!/usr/bin/env python3
"""NAT laboratory: two hosts, each behind NATs of a chosen kind, and a STUN/TURN server between.

    host a --- gateway a [--- cgn a] ---+
                                        core --- server (coturn, signalling)
    host b --- gateway b [--- cgn b] ---+

Every box is a network namespace; NATs are nftables; a site's line to the core has the delay and
the loss, so that server and peers are at the distances asked for. Each NAT is probed before use
and must behave as its kind promises. README.md says how to use it.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nat
import turn
from lab import DELAY_MECHANISMS, SERVER_ADDRESSES, Lab, terminate
from namespaces import run_inside

EXIT_TIMEOUT = 124  # as timeout(1)


def relay_output(commands: dict[str, subprocess.Popen], timeout: float, awaited: set[str]) -> bool:
    """Prints the programs' output, each line with its prefix, until the awaited ones ended.

    Returns whether they did so in time.
    """
    deadline = time.monotonic() + timeout
    rest = {name: b"" for name in commands}
    with selectors.DefaultSelector() as selector:
        for name, process in commands.items():
            selector.register(process.stdout, selectors.EVENT_READ, name)
        while open_ones := {key.data for key in selector.get_map().values()}:
            if not open_ones & awaited and all(commands[n].poll() is not None for n in awaited):
                break
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            for key, _ in selector.select(min(remaining, 0.1)):
                data = os.read(key.fd, 65536)
                *lines, rest[key.data] = (rest[key.data] + data).split(b"\n")
                if not data:
                    selector.unregister(key.fileobj)
                    lines = [rest[key.data]] if rest[key.data] else []
                for line in lines:
                    print(f"{key.data}| {line.decode(errors='replace')}", flush=True)
    while any(commands[name].poll() is None for name in awaited):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def run(lab: Lab, a: list[str], b: list[str], server: list[str] | None, timeout: float) -> int:
    """Runs a program on each host (and one at the server, ended with them); returns the status.

    That is 0 if both hosts' programs ended with 0, otherwise the first other one of theirs, or 124
    when they did not end in time.
    """
    places = [("a", lab.a, a), ("b", lab.b, b)]
    if server:
        places.insert(0, ("server", lab.server, server))
    commands = {
        name: lab.popen(
            place,
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name, place, command in places
    }
    in_time = relay_output(commands, timeout, {"a", "b"})
    for process in commands.values():
        terminate(process)
    if not in_time:
        print(f"lab: not finished after {timeout:g} s", file=sys.stderr)
        return EXIT_TIMEOUT
    statuses = [commands[name].returncode for name in ("a", "b")]
    # A program killed by a signal counts as a shell counts it.
    return next((s if s > 0 else 128 - s for s in statuses if s != 0), 0)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="NAT laboratory")
    subparsers = parser.add_subparsers(dest="action", required=True)
    subparsers.add_parser("kinds", help="list the kinds of NAT and what they promise")
    for action, text in (
        ("check", "build the laboratory, assert its NATs and the server, and measure its delays"),
        ("run", "run programs in it: -- <for host a> ::: <for host b> [::: <for the server>]"),
    ):
        sub = subparsers.add_parser(action, help=text)
        for side in ("a", "b"):
            sub.add_argument(f"--nat-{side}", choices=nat.KINDS, default="none", metavar="KIND")
            sub.add_argument(f"--cgn-{side}", choices=nat.KINDS, metavar="KIND", help="second NAT")
        sub.add_argument("--rtt", type=float, default=20, help="ms to the server; peers are twice")
        sub.add_argument("--loss", type=float, default=0, help="percent, per line and direction")
        sub.add_argument("--delay-by", choices=DELAY_MECHANISMS, help="default: what works")
        sub.add_argument("--binding-lifetime", type=int, default=nat.BINDING_LIFETIME_SECONDS)
        sub.add_argument("--no-turn", action="store_true", help="do not start coturn")
        sub.add_argument("--rest-secret", help="coturn takes ephemeral credentials only")
        sub.add_argument("--turn-option", action="append", default=[], help="coturn.conf line")
        sub.add_argument("--logs", type=Path, help="directory that receives the logs")
        sub.add_argument("--timeout", type=float, default=60, help="seconds for the programs")
    sub.add_argument("programs", nargs=argparse.REMAINDER)
    parsed = parser.parse_args(arguments)
    if parsed.action == "run":
        parsed.programs = split_programs(parsed.programs)
        if len(parsed.programs) not in (2, 3) or not all(parsed.programs):
            parser.error("run takes: -- <for host a> ::: <for host b> [::: <for the server>]")
    return parsed


def split_programs(words: list[str]) -> list[list[str]]:
    """Splits command-line words at each ":::"."""
    programs: list[list[str]] = [[]]
    for word in words[1:] if words[:1] == ["--"] else words:
        if word == ":::":
            programs.append([])
        else:
            programs[-1].append(word)
    return programs


def _describe(lab: Lab) -> None:
    line = {None: "none", "netem": "the kernel's netem", "tun": "a relay over TUN devices"}
    print(
        f"lab: {2 * lab.one_way_ms:g} ms to the server, {4 * lab.one_way_ms:g} ms between hosts,"
        f" loss {lab.loss_percent:g} %, made by: {line[lab.delay_by]}",
        file=sys.stderr,
    )
    for site in (lab.a, lab.b):
        kinds = site.kind if site.cgn is None else f"{site.kind} behind {site.cgn}"
        promise = site.promise or "no UDP"
        print(f"lab: site {site.name}: {kinds}: {promise} (checked)", file=sys.stderr)
    if lab.turn is not None:
        print(
            f"lab: coturn answers on {' and '.join(SERVER_ADDRESSES)}"
            f" over {', '.join(turn.TRANSPORTS)}",
            file=sys.stderr,
        )


def _execute(parsed: argparse.Namespace, directory: Path) -> int:
    try:
        return _build_and_act(parsed, directory)
    finally:
        if parsed.logs is not None:
            parsed.logs.mkdir(parents=True, exist_ok=True)
            for log in directory.glob("*.log"):
                shutil.copy(log, parsed.logs)


def _build_and_act(parsed: argparse.Namespace, directory: Path) -> int:
    with Lab(
        directory,
        parsed.nat_a,
        parsed.nat_b,
        cgn_a=parsed.cgn_a,
        cgn_b=parsed.cgn_b,
        rtt_ms=parsed.rtt,
        loss_percent=parsed.loss,
        delay_by=parsed.delay_by,
        binding_lifetime=parsed.binding_lifetime,
    ) as lab:
        if not parsed.no_turn:
            lab.start_turn(rest_secret=parsed.rest_secret, options=parsed.turn_option)
        _describe(lab)
        if parsed.action == "run":
            for side, command in zip(("a", "b", "server"), parsed.programs):
                print(f"lab: {side}: {shlex.join(command)}", file=sys.stderr)
            return run(lab, *(parsed.programs + [None])[:3], parsed.timeout)
        if lab.a.promise is not None and not parsed.loss:
            trips = lab.round_trips_ms(
                lab.a.host, lab.a.host_address, lab.server, SERVER_ADDRESSES[0]
            )
            print(f"lab: measured to the server: median {statistics.median(trips):.2f} ms")
        return 0


def main(arguments: list[str]) -> int:
    parsed = _parse(arguments)
    if parsed.action == "kinds":
        for name, kind in nat.KINDS.items():
            print(f"{name:20} {kind.promise or 'no UDP passes'}")
        return 0
    run_inside(lambda directory: _execute(parsed, directory))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

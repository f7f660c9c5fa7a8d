#!/usr/bin/env python3
"""carry between two hosts, each behind a symmetric NAT of its own, through coturn.

Also a demonstration: shows what both sides print. The first argument names carry, the second the
rendezvous server, the third a file to move (carry itself if there is none).
"""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import lab
import namespaces
import turn

RENDEZVOUS = f"{lab.SERVER_ADDRESSES[0]}:7000"
KEY = "lab-key"


def carry(directory: Path) -> int:
    program, server, *rest = sys.argv[1:]
    file = rest[0] if rest else program
    copy = directory / "copy"
    with lab.Lab(directory, "symmetric", "symmetric", rtt_ms=20) as running:
        certificate = running.start_turn().certificate
        settings = {
            "CARRY_TURN_USER": turn.USER,
            "CARRY_TURN_PASSWORD": turn.PASSWORD,
            "CARRY_TURN_NAME": turn.HOST_NAME,
            "CARRY_AUTHORITY": str(certificate),
            "CARRY_KEY": KEY,
            "CARRY_PRIVATE": "1",
        }
        os.environ.update(settings)
        running.popen(running.server, [server, RENDEZVOUS, KEY], stdout=subprocess.DEVNULL)
        through = ["--turn", f"{lab.SERVER_ADDRESSES[0]}:{turn.PORT}", "--rendezvous", RENDEZVOUS]
        receiver = running.popen(
            running.b, [program, "receive", *through, "--output", str(copy)]
        )
        sender = running.popen(running.a, [program, "send", *through, "--timeline", file])
        statuses = [peer.wait(timeout=100) for peer in (sender, receiver)]
    if statuses != [0, 0]:
        print(f"lab: carry ended with {statuses}", file=sys.stderr)
        return 1
    if not filecmp.cmp(file, copy, shallow=False):
        print("lab: the copy differs", file=sys.stderr)
        return 1
    print("carried between two symmetric NATs.")
    return 0


if __name__ == "__main__":
    namespaces.run_inside(carry)

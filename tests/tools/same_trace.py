#!/usr/bin/env python3
"""The same seeds give the same traces, whichever compiler built the proof.

usage: same_trace.py <proof> <proof of another compiler>...
"""

import re
import subprocess
import sys

BUDGET = ["--runs", "20000", "--bases", "1", "--seeds", "500", "--years", "0.1", "--relay-years", "0.05"]


def hashes(proof):
    """scenario and way of searching -> trace hash"""
    run = subprocess.run([proof, *BUDGET], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{proof} failed:\n{run.stdout}")
    lines = (line.split(" | ") for line in run.stdout.splitlines())
    return {
        (part[0].strip(), part[2].strip()): part[5].split(",")[0]
        for part in lines
        if len(part) == 6 and re.match(r"[0-9a-f]{16},", part[5])
    }


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    first, *others = sys.argv[1:]
    expected = hashes(first)
    wrong = 0
    for other in others:
        found = hashes(other)
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                print(f"same_trace: {key}: {expected.get(key)} by {first}, {found.get(key)} by {other}")
                wrong += 1
    print(f"same_trace: {len(expected)} hashes, {len(others) + 1} programs, {wrong} differ")
    return 1 if wrong or not expected else 0


if __name__ == "__main__":
    sys.exit(main())

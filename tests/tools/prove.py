#!/usr/bin/env python3
"""The long proof: runs `proof` in two processes at a time and prints one table.

usage: prove.py <proof> [--runs N] [--seeds N] [--years N] [--relay-years N]

Without other figures it goes on until every scenario is exhausted or has had its budget, with five
million seeds, a thousand simulated years without a relay and a hundred with one; it fails when that
was less than a thousand million runs.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from sources import ROOT

PARTS = 2
FIGURES = ("runs", "bases", "seeds", "years", "relay-years")


def commit():
    named = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return named.stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("proof", type=pathlib.Path)
    parser.add_argument("--runs", default="250000000")
    parser.add_argument("--at-least", type=int, default=1_000_000_000, help="runs in all")
    parser.add_argument("--bases", default="1000")
    parser.add_argument("--seeds", default="5000000")
    parser.add_argument("--years", default="1000")
    parser.add_argument("--relay-years", default="100")
    options = parser.parse_args()

    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:

        def run(work):
            command = [options.proof.resolve(), *work]
            for name in FIGURES:
                command += [f"--{name}", getattr(options, name.replace("-", "_"))]
            return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)

        # The longest first.
        parts = [f"{part}/{PARTS}" for part in range(1, PARTS + 1)]
        orders = [["--work", "orders", "--part", part, "--edges", f"edges_{part[0]}.txt"] for part in parts]
        with concurrent.futures.ThreadPoolExecutor(PARTS) as pool:
            ended = list(pool.map(run, [["--work", "relay"], ["--work", "network"], *orders]))
        failed = any(process.returncode != 0 for process in ended)

        print(ended[0].stdout.splitlines()[0])
        runs = points = 0
        for process in ended[len(ended) - PARTS :] + ended[: len(ended) - PARTS]:
            lines = process.stdout.splitlines()
            print("\n".join(lines[1:-1]))
            foot = re.match(r"(\d+) runs, (\d+) points", lines[-1])
            if foot:
                runs += int(foot[1])
                points += int(foot[2])
        edges = [pathlib.Path(folder) / f"edges_{part}.txt" for part in range(1, PARTS + 1)]
        compared = subprocess.run([sys.executable, ROOT / "tests" / "tools" / "edges.py", *edges])
    minutes = (time.monotonic() - begin) / 60
    print(f"{runs} runs, {points} points of failure, {minutes:.1f} minutes, commit {commit()}")
    if runs < options.at_least:
        print(f"that is less than {options.at_least} runs")
    return 1 if failed or compared.returncode != 0 or runs < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())

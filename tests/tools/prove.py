#!/usr/bin/env python3
"""The long proof: runs `proof` in two processes at a time and prints one table.

usage: prove.py <proof> [--runs N] [--seeds N] [--years N] [--relay-years N]

Without other figures it goes on until every scenario is exhausted or has had its budget, with four
million seeds, a hundred simulated years without a relay and ten with one; it fails when that was less
than a thousand million runs. Interrupted, it says how far it came, and fails.
"""

import argparse
import concurrent.futures
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from sources import ROOT

PROCESSES = 2
PARTS = 9  # shares of the scenarios: small enough to keep the processes busy to the end
FIGURES = ("runs", "bases", "seeds", "years", "relay-years")


def commit():
    named = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return named.stdout.strip() or "unknown"


class Table:
    """The table that all the processes fill: a row appears when its search has ended."""

    def __init__(self):
        self.runs = self.points = 0
        self.lock = threading.Lock()
        self.has_head = False

    def hear(self, line):
        foot = re.match(r"(\d+) runs, (\d+) points", line)
        with self.lock:
            if foot:
                self.runs += int(foot[1])
                self.points += int(foot[2])
            elif not line.startswith("scenario ") or not self.has_head:
                print(line, end="", flush=True)
                self.has_head = True

    def ended(self, work, status):
        """A process that crashed has printed no row that says so."""
        if status not in (0, 1):
            with self.lock:
                print(f"FAILED proof {' '.join(work)}: ended with status {status}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("proof", type=pathlib.Path)
    parser.add_argument("--runs", default="250000000")
    parser.add_argument("--at-least", type=int, default=1_000_000_000, help="runs in all")
    parser.add_argument("--bases", default="1000")
    parser.add_argument("--seeds", default="4000000")
    parser.add_argument("--years", default="100")
    parser.add_argument("--relay-years", default="10")
    options = parser.parse_args()

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    begin = time.monotonic()
    says = Table()
    running = set()
    is_stopped = threading.Event()
    with tempfile.TemporaryDirectory() as folder:

        def run(work):
            if is_stopped.is_set():
                return 1
            command = [options.proof.resolve(), *work]
            for name in FIGURES:
                command += [f"--{name}", getattr(options, name.replace("-", "_"))]
            with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
                running.add(process)
                for line in process.stdout:
                    says.hear(line)
            running.discard(process)
            says.ended(work, process.returncode)
            return process.returncode

        orders = [["--work", "orders", "--part", f"{i}/{PARTS}", "--edges", f"edges_{i}.txt"] for i in range(1, PARTS + 1)]
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            try:
                parts = [pool.submit(run, work) for work in [["--work", "relay"], ["--work", "network"], *orders]]
                print(f"{len(parts)} parts, {PROCESSES} at a time; a row is printed when its search has ended", flush=True)
                left = parts
                while left:  # a search may take minutes: say that it goes on
                    done, left = concurrent.futures.wait(parts, timeout=60)
                    minutes = (time.monotonic() - begin) / 60
                    if left:
                        progress = f"... {minutes:.0f} minutes, {len(done)} of {len(parts)} parts done"
                        print(progress, file=sys.stderr, flush=True)
                failed = any(part.result() for part in parts)
            except KeyboardInterrupt:
                is_stopped.set()
                for process in tuple(running):
                    process.terminate()
                minutes = (time.monotonic() - begin) / 60
                print(f"interrupted after {minutes:.1f} minutes: nothing is proved; only the rows above have ended")
                return 1
        compared = subprocess.run([sys.executable, ROOT / "tests" / "tools" / "edges.py", *pathlib.Path(folder).iterdir()])
    minutes = (time.monotonic() - begin) / 60
    print(f"{says.runs} runs, {says.points} points of failure, {minutes:.1f} minutes, commit {commit()}")
    if says.runs < options.at_least:
        print(f"that is less than {options.at_least} runs")
    return 1 if failed or compared.returncode != 0 or says.runs < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs every fuzz target from its kept corpus, and says what ran and how often.

usage: fuzz.py <folder of the fuzz_* programs> [--scale X] [--keep <folder>]

The list is that of tests/fuzz: a target that was not built, or does not run, fails. So does a
canary whose planted fault is not found. --scale multiplies the number of executions; --keep adds
what the fuzzer finds to a folder of corpora.
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

FUZZ = ROOT / "tests" / "fuzz"
SEED = 1

# Executions in CI. A session takes longer than a message: see the table that is printed.
RUNS = {"provider_api": 40_000, "turn_session": 60_000, "turn_stream": 30_000, "rendezvous_message": 60_000}
RUNS_OF_OTHERS = 1_000_000

CANARY, RUNS_OF_CANARY = "canary", 2_000_000  # at most: it ends with the first fault
CANARY_REPORT = "AddressSanitizer: heap-buffer-overflow"


def command(program, name, runs, corpora):
    line = [program, f"-runs={runs}", f"-seed={SEED}", "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048"]
    if "stun" in name or "turn" in name or "rendezvous" in name:
        line.append(f"-dict={FUZZ / 'stun.dict'}")
    return line + corpora


def examine(name, options):
    """One line of the table: name, inputs at the start, executions, coverage, seconds, what is wrong (or None)."""
    program = options.programs / f"fuzz_{name}"
    if not program.is_file():
        return name, 0, 0, 0, 0.0, "was not built"
    runs = RUNS_OF_CANARY if name == CANARY else int(RUNS.get(name, RUNS_OF_OTHERS) * options.scale)
    kept = FUZZ / "corpus" / name
    seeds = len(list(kept.iterdir())) if kept.is_dir() else 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        found = options.keep / name if options.keep and name != CANARY else pathlib.Path(scratch) / "found"
        found.mkdir(parents=True, exist_ok=True)
        line = command(program.resolve(), name, runs, [found.resolve()] + ([kept] if seeds else []))
        run = subprocess.run(line, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    seconds = time.monotonic() - begin
    executed = re.search(r"stat::number_of_executed_units: (\d+)", run.stdout)
    count = int(executed[1]) if executed else 0
    coverage = [int(found) for found in re.findall(r"\bcov: (\d+)", run.stdout)]
    wrong = None
    if name == CANARY:
        if CANARY_REPORT not in run.stdout:
            wrong = "the planted fault was not found"
    elif run.returncode != 0:
        wrong = f"ended with status {run.returncode}:\n{run.stdout[-6000:]}"
    elif count < runs:
        wrong = f"ran {count} of {runs} inputs"
    elif not seeds:
        wrong = "has no kept corpus"
    return name, seeds, count, max(coverage, default=0), seconds, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    names = [CANARY] + sorted(path.stem for path in FUZZ.glob("*.cpp"))
    total, problems = 0, []
    print(f"{'target':20} | {'kept':>5} | {'executions':>10} | {'coverage':>8} | {'time':>8}")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, seeds, count, coverage, seconds, wrong in pool.map(lambda n: examine(n, options), names):
            print(f"{name:20} | {seeds:5} | {count:10} | {coverage:8} | {seconds:6.1f} s", flush=True)
            total += count
            if wrong:
                problems.append(f"{name} {wrong}")
    for problem in problems:
        print(f"fuzz: {problem}")
    print(f"fuzz: {len(names) - 1} targets and a canary, {total} executions, seed {SEED}, {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Checks session.pml with spin: every property, the edge table, and (--mutants) the seeded bugs.

    run.py                  all but the slowest properties at smaller bounds, and edges.txt against the model; seconds
    run.py --full           all properties at full bounds, and edges.txt against the model; minutes
    run.py --mutants        each seeded bug must be caught by the property named for it
    run.py --write-edges    writes edges.txt anew
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EDGES = HERE / "edges.txt"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

# Who takes part, and within which bounds. The whole crowd at once would not fit: the demand side
# and the pended calls meet only in `together`, with one caller and no failing activation.
SCENES = {
    "calls": "CALLERS=2 IN_ROW SECOND_DEREGISTER WORLD REST EDGES",
    "gate": "CALLERS=3 CANCEL",
    "gate_twice": "CALLERS=2 CALLS=2 CANCEL",
    "demand": "DEMAND CALLERS=0 IN_ROW WORLD REST EDGES",
    "indicate": "DEMAND CALLERS=0 WORLD SOURCE",
    "together": "DEMAND CALLERS=1 CANCEL FAILURES=0 ADDS=1",
    "live_calls": "CALLERS=2 IN_ROW SECOND_DEREGISTER",
    "live_demand": "DEMAND CALLERS=0 IN_ROW",
}

# The same, and the same edges, with one caller less and one proposal less.
SMALLER_SCENES = SCENES | {
    "calls": "CALLERS=1 IN_ROW SECOND_DEREGISTER WORLD REST EDGES",
    "gate": "CALLERS=2 CANCEL",
    "demand": "DEMAND CALLERS=0 ADDS=1 IN_ROW WORLD REST EDGES",
    "indicate": "DEMAND CALLERS=0 ADDS=1 WORLD SOURCE",
    "live_calls": "CALLERS=1 IN_ROW SECOND_DEREGISTER",
    "live_demand": "DEMAND CALLERS=0 ADDS=1 IN_ROW",
}

# Property: scene and kind. Assertions stand in the model; the formulas at its end.
PROPERTIES = {
    "assertions: calls, nobody waits at rest": ("calls", "assertions"),
    "assertions: gate": ("gate", "assertions"),
    "assertions: gate, two calls each": ("gate_twice", "assertions"),
    "assertions: demand, nobody waits at rest": ("demand", "assertions"),
    "assertions: indicate": ("indicate", "assertions"),
    "assertions: calls and demand": ("together", "assertions"),
    "p_establish_first": ("live_demand", "safety"),
    "p_one_reason": ("live_calls", "safety"),
    "p_quiet": ("live_demand", "safety"),
    "p_paired": ("live_calls", "safety"),
    "l_register": ("live_demand", "liveness"),
    "l_deregister": ("live_demand", "liveness"),
    "l_join": ("live_calls", "liveness"),
    "l_terminate": ("live_demand", "liveness"),
    "l_first_call": ("live_calls", "liveness"),
    "l_last_call": ("live_calls", "liveness"),
    "l_send": ("live_demand", "liveness"),
    "l_failed_activation": ("live_demand", "liveness"),
    "l_ready": ("live_demand", "liveness"),
}

# Those whose search at the smaller bounds takes about a second each.
QUICK = [name for name, found in PROPERTIES.items() if found not in [("together", "assertions"), ("live_demand", "liveness")]]

# Seeded bug: the property that must catch it.
CALLS, GATE, _, DEMAND, INDICATE = list(PROPERTIES)[:5]
MUTANTS = {
    "REFUSAL_UNANSWERED": "l_register",
    "ESTABLISH_BEFORE_GRANT": CALLS,
    "TERMINATE_WITHOUT_ESTABLISH": "p_establish_first",
    "GATE_BEFORE_ESTABLISHED": GATE,
    "GATE_OPENS_EARLY": GATE,
    "TURN_NOT_PASSED": "l_last_call",
    "LOST_PEND": "l_last_call",
    "CANCEL_RACE": GATE,
    "CANCEL_LEAVES_NODE": GATE,
    "HELD_AFTER_END": "l_first_call",
    "DEMAND_AFTER_END": "l_send",
    "NO_DEADLINE": "l_first_call",
    "NO_STOP": "l_deregister",
    "NO_TASK_STOP": "l_join",
    "NO_GRACE_LIMIT": "l_terminate",
    "NO_RUNDOWN": DEMAND,
    "LANE_LEFT_OPEN": DEMAND,
    "FREE_EARLY": DEMAND,
    "SEND_DOES_NOT_ACTIVATE": "l_send",
    "FAILED_ACTIVATION_ENDS": "l_failed_activation",
    "NO_RETRY": "l_ready",
    "ACTIVE_TOO_LATE": INDICATE,
    "INDICATE_WHEN_IDLE": INDICATE,
    "NO_TERMINATE_ON_FAILURE": "p_paired",
    "SECOND_TERMINATE": CALLS,
    "LAST_REASON_WINS": "p_one_reason",
    "DEREGISTER_WAITS_IN_ROW": CALLS,
    "DEREGISTER_EARLY": "p_quiet",
    "TASKS_LEFT": CALLS,
    "NO_ENDED": "edges",
}


class Checker:
    def __init__(self, directory, scenes):
        self.directory = Path(directory)
        self.scenes = scenes
        self.built = {}
        self.edges_of = {}

    def build(self, scene, kind, mutant):
        options = ["-DNOCLAIM", "-DSAFETY", "-DPRINTF"] if kind == "assertions" else ["-DNOREDUCE", "-DNFAIR=4"]
        key = (scene, *options, mutant)
        if key in self.built:
            return self.built[key]
        where = self.directory / str(len(self.built))
        where.mkdir()
        defines = [f"-D{d}" for d in self.scenes[scene].split() + ([mutant] if mutant else [])]
        self.call(["spin", *defines, "-a", str(HERE / "session.pml")], where)
        compiler = os.environ.get("CC", "cc")
        self.call([compiler, "-O1", "-w", "-DMEMLIM=1900", *options, "-o", "pan", "pan.c"], where)
        self.built[key] = where
        return where

    @staticmethod
    def call(command, where):
        done = subprocess.run(command, cwd=where, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def check(self, name, mutant=None):
        """Returns states, what was found ("" is nothing), seconds."""
        scene, kind = PROPERTIES[name]
        began = time.monotonic()
        where = self.build(scene, kind, mutant)
        claim = {"assertions": [], "safety": ["-a", "-N", name], "liveness": ["-a", "-f", "-N", name]}[kind]
        # -E: what is left at rest is judged by the model's process Rest, more exactly than by labels
        out = self.call(["./pan", "-n", "-E", "-m500000", *claim], where)
        states = re.search(r"(\d+) states, stored", out)
        errors = re.search(r"errors: (\d+)", out)
        if not states or not errors or "Search not completed" in out and errors[1] == "0" or "too small" in out:
            sys.exit(f"{name}: the search was not completed\n{out[-2000:]}")
        self.edges_of[name, mutant] = {line[5:] for line in out.splitlines() if line.startswith("edge ")}
        found = ""
        if errors[1] != "0":
            found = re.search(r"^pan:\d+: (.*?)(?: \(at depth.*)?$", out, re.M)[1]
        return int(states[1]), found, time.monotonic() - began

    def edges(self, mutant=None):
        for name in (CALLS, DEMAND):
            if (name, mutant) not in self.edges_of:
                self.check(name, mutant)
        return self.edges_of[CALLS, mutant] | self.edges_of[DEMAND, mutant]


def edge_differences(found):
    wanted = {line for line in EDGES.read_text().splitlines() if line and not line.startswith("#")}
    return [f"+ {e}" for e in sorted(found - wanted)] + [f"- {e}" for e in sorted(wanted - found)]


def row(*cells):
    print("{:42} | {:>9} | {:46} | {:>7}".format(*cells), flush=True)


def check_properties(checker, names):
    failed = 0
    row("property", "states", "result", "seconds")
    for name in names:
        states, found, seconds = checker.check(name)
        failed += bool(found)
        row(name, states, found or "holds", f"{seconds:.1f}")
    began = time.monotonic()
    edges = checker.edges()
    differences = edge_differences(edges)
    row("edges", len(edges), "differ from edges.txt" if differences else "as edges.txt", f"{time.monotonic() - began:.1f}")
    print("".join(f"  {d}\n" for d in differences), end="")
    return failed + bool(differences)


def check_mutants(checker):
    missed = 0
    row("seeded bug", "", "caught by", "seconds")
    for mutant, name in MUTANTS.items():
        began = time.monotonic()
        if name == "edges":
            found = ", ".join(edge_differences(checker.edges(mutant)))
        else:
            found = checker.check(name, mutant)[1]
        missed += not found
        row(mutant, "", name if found else f"MISSED by {name}", f"{time.monotonic() - began:.1f}")
        print(f"    {found}")
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} caught")
    return missed


def main():
    parser = argparse.ArgumentParser(description="Checks the session model with spin.")
    parser.add_argument("--full", action="store_true", help="check what takes minutes, too")
    parser.add_argument("--mutants", action="store_true", help="check that every seeded bug is caught")
    parser.add_argument("--write-edges", action="store_true", help="write edges.txt anew")
    arguments = parser.parse_args()
    if not shutil.which("spin"):
        print("skipped: spin is not installed (Debian package: spin)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        quick = not (arguments.full or arguments.mutants or arguments.write_edges)
        checker = Checker(directory, SMALLER_SCENES if quick else SCENES)
        if arguments.write_edges:
            head = "# Every change of state: from, event, to. Written by run.py --write-edges.\n"
            EDGES.write_text(head + "".join(f"{e}\n" for e in sorted(checker.edges())))
            return 0
        if arguments.mutants:
            return 1 if check_mutants(checker) else 0
        return 1 if check_properties(checker, QUICK if quick else PROPERTIES) else 0


if __name__ == "__main__":
    sys.exit(main())

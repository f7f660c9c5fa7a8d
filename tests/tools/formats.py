#!/usr/bin/env python3
"""The files that watched_session wrote, read by the programs they are for.

usage: formats.py (trace|pcapng|metrics) <folder>

Besides being well-formed they have to agree: the same messages are in all of them.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **more)
    if done.returncode:
        raise SystemExit(f"formats: {command[0]} answers {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def sample(folder, series):
    """One value of the metrics."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", (folder / "metrics.txt").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit(f"formats: no series {series}")
    return float(found[1])


def trace_problems(events):
    """Says what a viewer would stumble over, and what the session must have left."""
    open_slices = collections.defaultdict(list)
    arrows = collections.Counter()
    for event in events:
        track = (event["pid"], event["tid"])
        phase = event["ph"]
        if phase != "M" and not isinstance(event.get("ts"), (int, float)):
            yield f"no time: {event}"
        if phase == "B":
            open_slices[track].append(event)
        elif phase == "E":
            if not open_slices[track]:
                yield f"an end without a begin: {event}"
                continue
            begun = open_slices[track].pop()
            if event.get("name", begun["name"]) != begun["name"]:
                yield f"{begun['name']} is ended by {event['name']}"
            if event["ts"] < begun["ts"]:
                yield f"ends before it begins: {event}"
        elif phase in "sf":
            arrows[event["id"]] += 1 if phase == "s" else -1
        elif phase not in "MiCX":
            yield f"unknown phase: {event}"
    for track, begun in open_slices.items():
        for event in begun:
            yield f"never ends on track {track}: {event['name']}"
    for arrow, count in arrows.items():
        if count:
            yield f"the arrow {arrow} lacks an end"
    names = collections.Counter(event.get("name") for event in events if event["ph"] == "B")
    for name, least in (("establish_session", 1), ("transition_active", 2), ("reach_transport_id", 1), ("ACTIVE", 1)):
        if names[name] < least:
            yield f"{names[name]} slices {name}"
    if sum(event["ph"] == "s" for event in events) != 2:
        yield "not two held calls"


def check_trace(folder):
    events = json.loads((folder / "trace.json").read_text())
    yield from trace_problems(events)
    dropped = [event["args"] for event in events if event["ph"] == "C" and event["name"] == "dropped"]
    counted = sample(folder, 'lockgate_messages_dropped_total{cause="queue_full"}')
    if not dropped or dropped[-1].get("queue_full") != counted:
        yield f"drops: {dropped[-1:]} in the trace, {counted} in the metrics"


def tshark(folder, *arguments):
    return run(["tshark", "-r", str(folder / "messages.pcapng"), "-o", "udp.check_checksum:TRUE", *arguments])


def check_pcapng(folder):
    fields = ["frame.interface_name", "frame.packet_flags_direction", "udp.checksum.status", "udp.length", "_ws.malformed"]
    output = tshark(folder, "-Y", "udp", "-T", "fields", *(word for field in fields for word in ("-e", field)))
    packets = [line.split("\t") for line in output.splitlines()]
    for number, (interface, _, checksum, length, malformed) in enumerate(packets):
        if (interface, checksum, length, malformed) != ("instance 1 (slow)", "1", "8008", ""):
            yield f"packet {number}: {packets[number]}"
    for direction, flag in (("sent", 2), ("received", 1)):
        captured = sum(int(packet[1], 16) == flag for packet in packets)
        counted = sample(folder, f'lockgate_messages_total{{direction="{direction}"}}')
        if direction == "received":  # a capture sees what the queue then has no room for
            counted += sample(folder, 'lockgate_messages_dropped_total{cause="queue_full"}')
        if captured != counted or captured == 0:
            yield f"{captured} packets {direction}, {counted} in the metrics"
    entries = tshark(folder, "-Y", "systemd_journal", "-T", "fields", "-e", "systemd_journal.message")
    if not re.search("event=state_changed from=ACTIVATING to=ACTIVE", entries):
        yield f"no journal entry of the activation: {entries}"
    if tshark(folder, "-Y", "_ws.malformed || _ws.expert.severity >= error"):
        yield "tshark finds faults"


def check_metrics(folder):
    said = run(["promtool", "check", "metrics"], input=(folder / "metrics.txt").read_text())
    if said:
        yield said
    if sample(folder, 'lockgate_held_calls_total{outcome="resumed"}') != 2:
        yield "not two held calls"


def main():
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    checks = {"trace": check_trace, "pcapng": check_pcapng, "metrics": check_metrics}
    found = list(checks[kind](folder))
    for problem in found[:20]:
        print(f"formats: {problem}")
    print(f"formats: {len(found)} problem(s) in {kind}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

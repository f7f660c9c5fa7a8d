#!/usr/bin/env python3
"""What a translation unit makes the compiler instantiate has not grown by more than 10 %.

usage: instantiations.py [--record]

The unit is portability/core.cpp, the counts are clang 19's (-ftime-trace), which are the same in every
run. They are recorded in instantiations.txt; --record writes what is so now.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from sources import ROOT, finish

UNIT = ROOT / "tests" / "portability" / "core.cpp"
RECORD = ROOT / "tests" / "portability" / "instantiations.txt"
COMPILER = ["clang++-19", "-std=c++20", "-ftime-trace", "-ftime-trace-granularity=0"]
KINDS = ("InstantiateClass", "InstantiateFunction")
GROWTH = 1.10


def counted(unit):
    with tempfile.TemporaryDirectory() as name:
        output = pathlib.Path(name) / "unit.o"
        subprocess.run([*COMPILER, f"-I{ROOT}/include", "-c", unit, "-o", output], check=True)
        events = json.loads(output.with_suffix(".json").read_text())["traceEvents"]
    counts = collections.Counter(event["name"] for event in events)
    return {kind: counts[kind] for kind in KINDS}


def recorded():
    lines = (line.split() for line in RECORD.read_text().splitlines())
    return {kind: int(count) for kind, count in lines}


def grown(now, before):
    for kind in KINDS:
        if not now[kind]:
            yield f"{kind}: none counted"
        elif now[kind] > before[kind] * GROWTH:
            yield (f"{kind}: {now[kind]}, {before[kind]} are recorded. When that is what it has to cost, "
                   "record it with tests/tools/instantiations.py --record")


def main():
    now = counted(UNIT)
    if "--record" in sys.argv[1:]:
        RECORD.write_text("".join(f"{kind} {count}\n" for kind, count in now.items()))
    before = recorded()
    for kind in KINDS:
        print(f"{kind} {now[kind]}, recorded {before[kind]}, {now[kind] / before[kind] - 1:+.1%}")
    finish("instantiations", list(grown(now, before)))


if __name__ == "__main__":
    main()

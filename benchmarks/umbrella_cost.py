#!/usr/bin/env python3
"""What the umbrella header costs a compiler, as a multiple of the standard headers it includes.

usage: umbrella_cost.py <compiler> <include folder>

Compiles (-fsyntax-only) the one and the others in turn and prints a gate of the medians, like the
benchmark program's; exit status 1 when it fails.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

LIMIT = 2.0
ROUNDS = 7


def reachable(header, root, seen, standard):
    if header in seen:
        return
    seen.add(header)
    for line in (root / header).read_text().splitlines():
        if own := re.match(r'#include "(lockgate/[^"]+)"', line):
            reachable(own.group(1), root, seen, standard)
        elif std := re.match(r"#include (<[a-z_]+>)", line):
            standard.add(std.group(1))


def main():
    compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
    standard = set()
    reachable("lockgate/lockgate.hpp", root, set(), standard)
    times = {"umbrella": [], "standard": []}
    with tempfile.TemporaryDirectory() as folder:
        sources = {
            "umbrella": "#include <lockgate/lockgate.hpp>\n",
            "standard": "".join(f"#include {header}\n" for header in sorted(standard)),
        }
        for name, text in sources.items():
            (pathlib.Path(folder) / f"{name}.cpp").write_text(text)
        for _ in range(ROUNDS):
            for name, taken in times.items():
                begin = time.monotonic()
                subprocess.run([compiler, "-std=c++20", "-fsyntax-only", f"-I{root}", f"{folder}/{name}.cpp"],
                               check=True)
                taken.append(time.monotonic() - begin)
    ratio = statistics.median(times["umbrella"]) / statistics.median(times["standard"])
    ok = ratio <= LIMIT
    print(f"umbrella header / its {len(standard)} standard headers, -fsyntax-only | {ratio:.2f} | <= {LIMIT} | "
          f"{'ok' if ok else 'NO'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

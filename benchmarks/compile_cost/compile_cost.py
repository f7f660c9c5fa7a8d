#!/usr/bin/env python3
"""What lockgate costs a user's compiler, as multiples of what the user would compile without it.

usage: compile_cost.py <compiler>

Compares the smallest program, header-only and where lockgate::compiled holds the engine, with an echo in
Asio's coroutines, and the umbrella header with the standard headers it includes. Compiles both in turn, takes the processor time that the compiler spent in
user mode, and prints a gate of the medians, like the benchmark program's; exit status 1 when one fails.
"""

import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "include"
ROUNDS = 5

LIMIT_COMPILED, LIMIT_UMBRELLA = 1.5, 1.8
# Header-only, each unit compiles the engine too: what is reached, with a tenth to spare.
LIMIT_O0, LIMIT_O2 = 2.1, 2.4


def reachable(header, seen, standard):
    if header in seen:
        return
    seen.add(header)
    for line in (INCLUDE / header).read_text().splitlines():
        if own := re.match(r'#include "(lockgate/[^"]+)"', line):
            reachable(own.group(1), seen, standard)
        elif std := re.match(r"#include (<[a-z_]+>)", line):
            standard.add(std.group(1))


def user_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def is_kept(name, compiler, mode, measured, reference, limit):
    """Prints one gate."""
    command = [compiler, "-std=c++20", *mode, f"-I{INCLUDE}"]
    times = [(user_seconds([*command, measured]), user_seconds([*command, reference])) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*times))
    ok = ours / theirs <= limit
    print(f"{name}, {mode[0]} ({ours:.2f} s / {theirs:.2f} s) | {ours / theirs:.2f} | <= {limit} | "
          f"{'ok' if ok else 'NO'}", flush=True)
    return ok


def main():
    compiler = sys.argv[1]
    standard = set()
    reachable("lockgate/lockgate.hpp", set(), standard)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        umbrella, bare = folder / "umbrella.cpp", folder / "bare.cpp"
        umbrella.write_text("#include <lockgate/lockgate.hpp>\n")
        bare.write_text("".join(f"#include {header}\n" for header in sorted(standard)))
        smallest, echo = ROOT / "examples" / "smallest_provider.cpp", HERE / "asio_echo.cpp"
        output = f"-o{folder}/program.o"
        compiled = "-DLOCKGATE_SEPARATE_COMPILATION"
        kept = [
            is_kept(f"smallest program{how} / Asio awaitable echo", compiler, [level, "-c", output, *define],
                    smallest, echo, limit)
            for how, define, limits in (
                (" with lockgate::compiled", [compiled], (LIMIT_COMPILED, LIMIT_COMPILED)),
                ("", [], (LIMIT_O0, LIMIT_O2)),
            )
            for level, limit in zip(("-O0", "-O2"), limits)
        ]
        kept += [
            is_kept(f"umbrella header / its {len(standard)} standard headers", compiler, ["-fsyntax-only"],
                    umbrella, bare, LIMIT_UMBRELLA),
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())

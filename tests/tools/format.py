#!/usr/bin/env python3
"""Every C and C++ source has the layout of .clang-format, as clang-format 19 understands it.

usage: format.py [--fix]
"""

import subprocess
import sys

from sources import ROOT, finish

FOLDERS = ("include", "src", "examples", "tests", "benchmarks")
SUFFIXES = (".h", ".hpp", ".c", ".cpp")
FORMATTER = "clang-format-19"  # another version breaks lines elsewhere


def sources():
    for folder in FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES)


def misplaced(*arguments, text=None):
    run = subprocess.run(
        [FORMATTER, "--dry-run", "--Werror", *arguments], input=text, stderr=subprocess.PIPE, text=True, check=False
    )
    found = [line for line in run.stderr.splitlines() if "[-Wclang-format-violations]" in line]
    return found or ([run.stderr.strip()] if run.returncode else [])


if __name__ == "__main__":
    if "--fix" in sys.argv[1:]:
        subprocess.run([FORMATTER, "-i", *sources()], check=True)
    problems = misplaced(*sources())
    if not misplaced("--assume-filename=planted.cpp", text="int  a ;\n"):
        problems.append("a planted fault is not reported")
    finish("format", problems)

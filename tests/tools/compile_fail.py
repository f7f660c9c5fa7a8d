#!/usr/bin/env python3
"""Compiles a program that must be refused, and looks for the errors it announces.

usage: compile_fail.py <source> -- <compiler> <flag>...

At the top of the source:
    // expect-error: <regular expression>    each must match an error line of the compiler, all in one run
    // max-lines: <number>                   optional: the longest output that is still readable
"""

import re
import subprocess
import sys


def announced(text):
    """The expected errors and the line limit (None when there is none)."""
    expected = re.findall(r"^// expect-error: (.+)$", text, re.MULTILINE)
    limit = re.search(r"^// max-lines: (\d+)$", text, re.MULTILINE)
    return expected, int(limit[1]) if limit else None


def defects(source, command):
    """Yields a sentence for everything that is not as announced."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    expected, limit = announced(text)
    if not expected:
        yield f"{source} announces no error"
    if len(re.findall(r"expect-error:|max-lines:", text)) != len(expected) + (limit is not None):
        yield f"{source} announces something in the middle of a line"
    run = subprocess.run(
        [*command, "-fsyntax-only", "-fdiagnostics-color=never", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    lines = run.stdout.splitlines()
    errors = [line for line in lines if "error:" in line]
    if run.returncode == 0:
        yield "the compiler accepts the program"
    for pattern in expected:
        if not any(re.search(pattern, line) for line in errors):
            yield f"no error matches: {pattern}"
    if limit is not None and len(lines) > limit:
        yield f"{len(lines)} lines of output, at most {limit} allowed"
    sys.stdout.write(run.stdout)


def main():
    separator = sys.argv.index("--")
    found = list(defects(sys.argv[separator - 1], sys.argv[separator + 1 :]))
    for defect in found:
        print(f"compile_fail: {defect}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Every public header compiles alone, as the first thing that a program includes; no code is generated.

usage: headers.py <compiler> <flag>...
"""

import concurrent.futures
import os
import subprocess
import sys

from sources import ROOT, finish

INCLUDE = ROOT / "include"


def complaint(header, compiler):
    """What the compiler says about a program of this one include; empty when it is content."""
    run = subprocess.run(
        [*compiler, f"-I{INCLUDE}", "-Werror", "-fsyntax-only", "-x", "c++", "-"],
        input=f'#include "{header.relative_to(INCLUDE)}"\n',
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return run.stdout if run.returncode else ""


def main():
    headers = sorted(path for path in INCLUDE.rglob("*") if path.suffix in (".h", ".hpp"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [text for text in pool.map(lambda header: complaint(header, sys.argv[1:]), headers) if text]
    print(f"headers: {len(headers)} compiled alone")
    finish("headers", problems if headers else ["headers: there are none"])


if __name__ == "__main__":
    main()

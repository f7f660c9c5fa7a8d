#!/usr/bin/env python3
"""What docs/reference/wrong-providers.md says that compilers say is what they say.

usage: wrong_providers.py [--refresh] [--all]

The text block after `<!-- compiler: g++ 12 examples/x.cpp -->` is that compiler's output, without the list of headers
that lead to the place. Line numbers may differ. --refresh writes what the compilers say now; with --all a compiler that
is not installed, or of another version, is a problem and not left out.
"""

import re
import shutil
import subprocess
import sys

from snippets import blocks
from sources import ROOT, finish

PAGE = ROOT / "docs" / "reference" / "wrong-providers.md"
MARK = re.compile(r"compiler: (g\+\+|clang\+\+) (\d+) (\S+)")
INCLUDED = re.compile(r"^(In file included from| +from) .*\n", re.MULTILINE)


def command_of(name, version):
    """The compiler of that version, or None when it is not here."""
    for command in (f"{name}-{version}", name):
        if shutil.which(command):
            run = subprocess.run([command, "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True)
            if run.stdout.split(".")[0].strip() == version:
                return command
    return None


def says(command, source):
    run = subprocess.run(
        [command, "-std=c++20", "-Iinclude", "-fsyntax-only", "-fdiagnostics-color=never", source],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )
    return INCLUDED.sub("", run.stdout)


def without_numbers(text):
    text = re.sub(r":\d+:\d+:", ":", text)
    return re.sub(r"^ *\d* \|", " |", text, flags=re.MULTILINE)


def check(page, insist, answer):
    """Yields (problem, old block, new block) for every block that is not what its compiler says."""
    for _, mark, _, text in blocks(page):
        found = MARK.fullmatch(mark)
        if not found:
            continue
        name, version, source = found.groups()
        command = command_of(name, version)
        if not command:
            print(f"not here: {name} {version}")
            if insist:
                yield f"{name} {version} is not installed", text, text
            continue
        said = answer(command, source)
        if without_numbers(said) != without_numbers(text):
            yield f"{name} {version} says something else about {source}: refresh the page", text, said


def main():
    page = PAGE.read_text()
    found = list(check(page, "--all" in sys.argv[1:], says))
    if "--refresh" in sys.argv[1:]:
        for _, old, new in found:
            page = page.replace(old, new)
        PAGE.write_text(page)
        found = [f for f in found if f[1] == f[2]]
    finish("wrong_providers", [problem for problem, _, _ in found])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Does what docs/tour.md tells a newcomer to do, to the letter.

usage: tour.py [--work <folder>]

The blocks of one file of examples/tour/, in the order of the page, are what the reader saves in tour/. The page's
`sh` blocks marked `tour` are typed in; a `text` block after one is what it must have printed in the end.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile

from snippets import blocks
from sources import ROOT, finish

PAGE = ROOT / "docs" / "tour.md"
SAVED = "source: examples/tour/"


def steps(text):
    """Yields ("save", file, content), ("type", "", commands) and ("see", "", output)."""
    for _, mark, language, content in blocks(text):
        if mark.startswith(SAVED):
            yield "save", mark[len(SAVED) :], content
        elif mark == "tour":
            yield "type" if language == "sh" else "see", "", content


def walk(text, folder):
    """Follows the page in `folder`; yields what does not come out as it says."""
    printed = ""
    for what, name, content in steps(text):
        if what == "save":
            with open(folder / "tour" / name, "a", encoding="utf-8") as file:
                file.write(content)
        elif what == "type":
            run = subprocess.run(
                ["sh", "-ec", content], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=540, check=False,
            )
            printed = run.stdout
            if run.returncode != 0:
                yield f"ends with status {run.returncode}:\n{content}\n{printed}"
                return
        elif not printed.endswith(content):
            yield f"prints\n{printed}\ninstead of\n{content}"


def differences(folder):
    """What the reader has saved is what this project compiles."""
    for path in sorted((ROOT / "examples" / "tour").iterdir()):
        saved = folder / "tour" / path.name
        if not saved.exists() or saved.read_text() != path.read_text():
            yield f"{path.relative_to(ROOT)}: the page's blocks are not this file"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, default=None)
    work = parser.parse_args().work
    os.environ["CMAKE_FIND_USE_PACKAGE_REGISTRY"] = "0"
    with tempfile.TemporaryDirectory() as temporary:
        folder = work or pathlib.Path(temporary)
        shutil.rmtree(folder / "tour", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "lockgate").exists():
            (folder / "lockgate").symlink_to(ROOT)
        found = list(walk(PAGE.read_text(), folder))
        finish("tour", found or list(differences(folder)))


if __name__ == "__main__":
    main()

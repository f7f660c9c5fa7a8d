#!/usr/bin/env python3
"""Every code block of README.md, CONTRIBUTING.md and docs/ is what the comment in front of it says, and every
link leads somewhere.

usage: snippets.py [--programs <folder of the built examples>]

    <!-- source: examples/x.cpp -->       lines of that file, one after the other; a line `...` (or a comment
                                          with nothing else) stands for lines left out; indentation may be less
    <!-- output: x --option -->           the same of what the example x prints (with --programs)
    <!-- command -->                      sh: presets, targets, scripts and options of this project exist
    <!-- tour -->                         in docs/tour.md: run, or compared, by tour.py
    <!-- compiler: g++ examples/x.cpp --> compared by wrong_providers.py
    <!-- unchecked: <reason> -->          neither C nor C++; the reason is for the reader of the source
"""

import argparse
import json
import pathlib
import re
import subprocess
import textwrap

from sources import ROOT, finish, line_of

BLOCK = re.compile(r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
GAP = re.compile(r"\s*(?://|#)?\s*\.\.\.\s*$")


def blocks(text):
    """Yields (position, mark, language, content) of each fenced block."""
    for found in BLOCK.finditer(text):
        yield found.start(), found["mark"] or "", found["language"], found["text"]


def pieces(block):
    """The runs of lines between the `...` lines, without their common indentation."""
    run = []
    for line in block.splitlines() + ["..."]:
        if not GAP.match(line):
            run.append(line)
        elif run:
            yield textwrap.dedent("\n".join(run)).strip("\n").splitlines()
            run = []


def is_excerpt(block, text):
    """Whether the block's pieces occur in `text`, in order."""
    lines = [line.rstrip() for line in text.splitlines()]
    at = 0
    for piece in pieces(block):
        while at + len(piece) <= len(lines):
            if textwrap.dedent("\n".join(lines[at : at + len(piece)])).splitlines() == piece:
                break
            at += 1
        else:
            return False
        at += len(piece)
    return True


def names_in_commands(text):
    """Yields ("preset" | "target" | "file", name) for what a command line takes for granted."""
    for preset in re.findall(r"--preset[ =]([\w-]+)", text):
        yield "preset", preset
    for target in re.findall(r"--target[ =]([\w-]+)", text):
        yield "target", target
    for file in re.findall(r"(?:^|\s)((?:tests|examples|docs|\.ci)/[\w./-]+)", text):
        yield "file", file


def known(kind, name):
    if kind == "file":
        return (ROOT / name).exists()
    if kind == "preset":
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        kinds = ("configurePresets", "workflowPresets")
        return any(p["name"] == name for kind in kinds for p in presets[kind])
    lists = [ROOT / "CMakeLists.txt", *ROOT.glob("[a-z]*/**/CMakeLists.txt")]
    pattern = rf"add_(?:custom_target|executable|library)\({re.escape(name)}\b"
    in_lists = any(re.search(pattern, path.read_text()) for path in lists if "build" not in path.parts)
    return in_lists or (ROOT / "examples" / f"{name}.cpp").exists()


def problem_with(path, mark, language, text, programs):
    """Says what is wrong with one block of `path`, or None."""
    kind, _, rest = mark.partition(": ")
    if kind == "source":
        if not (ROOT / rest).is_file():
            return f"{rest} does not exist"
        return None if is_excerpt(text, (ROOT / rest).read_text()) else f"not an excerpt of {rest}"
    if language in ("c", "cpp", ""):
        return "says neither its language nor its source" if not language else "C++ without a source"
    if kind == "output":
        if programs is None:
            return None
        run = subprocess.run(
            [pathlib.Path(programs) / rest.split()[0], *rest.split()[1:]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )
        return None if is_excerpt(text, run.stdout) else f"{rest} prints something else:\n{run.stdout}"
    if kind == "command":
        unknown = [f"{what} {name}" for what, name in names_in_commands(text) if not known(what, name)]
        return f"unknown: {', '.join(unknown)}" if unknown else None
    if kind == "tour":
        return None if path.name == "tour.md" else "tour.py runs docs/tour.md only"
    if kind == "compiler":
        return None if path.name == "wrong-providers.md" else "wrong_providers.py reads its own page only"
    if kind == "unchecked" and rest:
        return None
    return "no comment in front of it says where it is from"


def headings(text):
    """The anchors that GitHub gives to a page's headings."""
    text = BLOCK.sub("", text)
    for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def dead_links(path, text):
    """Yields (position, target) of the links of a page to files and headings that are not there."""
    for link in re.finditer(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        page = (path.parent / target).resolve() if target else path
        if not page.exists() or (anchor and anchor not in headings(page.read_text())):
            yield link.start(), link[1]


def problems(programs):
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        content = path.read_text()
        for position, mark, language, text in blocks(content):
            problem = problem_with(path, mark, language, text, programs)
            if problem:
                yield f"{path.relative_to(ROOT)}:{line_of(content, position)}: {problem}"
        for position, target in dead_links(path, content):
            yield f"{path.relative_to(ROOT)}:{line_of(content, position)}: there is no {target}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs")
    finish("snippets", list(problems(parser.parse_args().programs)))

#!/usr/bin/env python3
"""Breaks the library on purpose, one patch at a time, and demands that the named test notices.

usage: run_mutants.py --work <folder> --main <object with doctest's main>... [--jobs N] [--only G7] [--sample N]
       -- <compiler> <flag>...

--sample takes N of them, others with every commit, and up to N that the last commits touch.

Lines of comment at the top of tests/mutants/<name>.patch say which test has to fail:
    # source: tests/platform/session_test.cpp
    # kills: G7*                              a doctest filter for the test case's name
    # libs: -lcrypto                          optional
    # with: src/capi.cpp tests/capi/*.c       optional: what else the test is made of
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

from sources import ROOT

RECENT_COMMITS = 5
RUN_LIMIT = 30  # seconds; a mutant that hangs its test is noticed as well


@dataclasses.dataclass
class Mutant:
    patch: pathlib.Path
    source: str
    kills: str
    libs: list
    others: list


class Broken(Exception):
    """The mutant says nothing about the tests: its patch or its header line is wrong."""


def read(patch):
    head = patch.read_text().split("\n--- ")[0]
    fields = dict(re.findall(r"^# (source|kills|libs|with): (.+)$", head, re.MULTILINE))
    for field in ("source", "kills"):
        if field not in fields:
            raise Broken(f"no line '# {field}: ...'")
    if not (ROOT / fields["source"]).is_file():
        raise Broken(f"{fields['source']} does not exist")
    others = []
    for pattern in fields.get("with", "").split():
        found = sorted(ROOT.glob(pattern))
        if not found:
            raise Broken(f"{pattern} does not exist")
        others += found
    return Mutant(patch, fields["source"], fields["kills"], fields.get("libs", "").split(), others)


def call(command, folder, limit):
    return subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=limit,
        check=False,
    )


def prepare(folder, patch=None):
    """A fresh copy of the headers, broken by the patch if there is one."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "include", folder / "include")
    if patch:
        applied = call(["patch", "-p1", "--batch", "--forward", "-i", str(patch)], folder, 30)
        if applied.returncode != 0:
            raise Broken("does not apply:\n" + applied.stdout)


def build(folder, mutant, options):
    # Relative include paths: the preprocessed text is the same in every folder, so ccache can help.
    objects = []
    for source in (ROOT / mutant.source, *mutant.others):
        language = ["-x", "c", "-std=c11"] if source.suffix == ".c" else []
        objects.append(f"{len(objects)}.o")
        compiled = call(
            [*options.compiler, *language, "-w", "-O0", "-Iinclude", f"-I{ROOT}/tests", "-c", source]
            + ["-o", objects[-1]],
            folder,
            300,
        )
        if compiled.returncode != 0:
            raise Broken("does not compile:\n" + compiled.stdout[-3000:])
    # The launcher (ccache) passes linking through.
    linked = call([*options.compiler, *objects, *options.main, *mutant.libs, "-pthread", "-o", "test"], folder, 120)
    if linked.returncode != 0:
        raise Broken("does not link:\n" + linked.stdout[-3000:])


def failed_test(folder, kills):
    """Runs the test cases of a filter: the name of the first that fails, or None."""
    try:
        run = call(["./test", f"--test-case={kills}", "--no-colors", "--no-path-filenames"], folder, RUN_LIMIT)
    except subprocess.TimeoutExpired:
        return f"{kills} (no end within {RUN_LIMIT} s)"
    if re.search(r"test cases: *0 ", run.stdout):
        raise Broken(f"no test case matches '{kills}'")
    if run.returncode == 0:
        return None
    named = re.search(r"^TEST CASE: +(.+)$", run.stdout, re.MULTILINE)
    return named[1].strip() if named else f"{kills} (status {run.returncode})"


def examine(patch, options):
    """One line of the table: name, killed by, seconds, sentence about what is wrong (or None)."""
    started = time.monotonic()
    killer, wrong = None, None
    try:
        mutant = read(patch)
        folder = options.work / patch.stem
        prepare(folder, patch)
        build(folder, mutant, options)
        killer = failed_test(folder, mutant.kills)
        if killer is None:
            wrong = f"survives {mutant.source} '{mutant.kills}'"
        shutil.rmtree(folder)
    except (Broken, subprocess.TimeoutExpired) as error:
        wrong = str(error)
    return patch.stem, killer, time.monotonic() - started, wrong


def unbroken(source, mutants, options):
    """The same test cases must pass without the mutation: yields the mutants that prove nothing."""
    folder = options.work / ("unbroken-" + source.replace("/", "-"))
    try:
        prepare(folder)
        build(folder, mutants[0], options)
        for mutant in mutants:
            failed = failed_test(folder, mutant.kills)
            if failed:
                yield f"{mutant.patch.stem}: fails without the mutation: {failed}"
        shutil.rmtree(folder)
    except (Broken, subprocess.TimeoutExpired) as error:
        yield f"{source}, unbroken: {error}"


def git(*arguments):
    """Its output by lines; none where there is no repository."""
    try:
        return call(["git", "-c", f"safe.directory={ROOT}", *arguments], ROOT, 30).stdout.splitlines()
    except FileNotFoundError:
        return []


def sample(patches, count):
    """Other ones with every commit, and as many that were written lately or break a header changed lately."""
    changed = set(git("diff", "--name-only", f"HEAD~{RECENT_COMMITS}", "--"))
    recent = [
        patch
        for patch in patches
        if str(patch.relative_to(ROOT)) in changed
        or changed.intersection(re.findall(r"^--- a/(\S+)", patch.read_text(), re.MULTILINE))
    ]
    commit = random.Random("".join(git("rev-parse", "HEAD")))
    recent = commit.sample(recent, min(count, len(recent)))
    rest = [patch for patch in patches if patch not in recent]
    chosen = recent + commit.sample(rest, min(count, len(rest)))
    return [patch for patch in patches if patch in chosen]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--main", nargs="+", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--patches", type=pathlib.Path, default=ROOT / "tests" / "mutants")
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()

    # G2 before G10.
    patches = sorted(
        options.patches.glob(f"{options.only}*.patch"),
        key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.stem)],
    )
    if not patches:
        print("mutants: none found")
        return 1

    if options.sample:
        patches = sample(patches, options.sample)

    by_source = {}
    for patch in patches:
        try:
            mutant = read(patch)
            by_source.setdefault(mutant.source, []).append(mutant)
        except Broken:
            pass  # examine() reports it

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        wrong = [
            sentence
            for found in pool.map(lambda item: list(unbroken(*item, options)), by_source.items())
            for sentence in found
        ]
        print(f"{'mutant':44} | {'killed by':64} | {'time':>7}")
        for name, killer, seconds, sentence in pool.map(lambda patch: examine(patch, options), patches):
            print(f"{name:44} | {killer or '-- nobody --':64.64} | {seconds:5.1f} s", flush=True)
            if sentence:
                wrong.append(f"{name}: {sentence}")
    for sentence in wrong:
        print(f"mutants: {sentence}")
    print(f"mutants: {len(patches)} examined, {len(wrong)} problem(s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

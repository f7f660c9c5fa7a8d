#!/usr/bin/env python3
"""clang-tidy's opinion, by .clang-tidy: of every public header, of the examples, and of a planted fault.

usage: tidy.py <build folder> [<compile flag of the headers>...]

The build folder holds compile_commands.json. Status 1 for any finding, and when one that was planted
is missing.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from sources import ROOT, finish

TIDY = "clang-tidy-19"  # earlier ones lack the coroutine checks
FINDING = re.compile(r"\[([\w.-]+)[^\]]*\]$", re.MULTILINE)

# What the coroutine checks are for, and which of them must say so.
PLANTED = """#include "lockgate/coro/task.hpp"
#include <mutex>
lockgate::task<int> refers(const int& value) { co_return value; }
lockgate::task<int> captures() { int value = 0; return [value]() -> lockgate::task<int> { co_return value; }(); }
std::mutex mutex;
lockgate::task<> locks() { std::lock_guard<std::mutex> held(mutex); co_await locks(); }
"""
MUST_FIND = {
    "cppcoreguidelines-avoid-capturing-lambda-coroutines",
    "cppcoreguidelines-avoid-reference-coroutine-parameters",
    "cppcoreguidelines-no-suspend-with-lock",
    "misc-coroutine-hostile-raii",
}


def headers():
    top = ROOT / "include"
    for path in sorted(top.rglob("*.h*")):
        yield f'#include "{path.relative_to(top)}"\n'


def tidy(*arguments):
    """What it found: the checks, and the text."""
    run = subprocess.run([TIDY, "--quiet", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, check=False)
    found = set(FINDING.findall(run.stdout))
    if run.returncode and not found:
        sys.exit(f"{TIDY} failed:\n{run.stdout}{run.stderr}")
    return found, run.stdout


def main():
    build, flags = pathlib.Path(sys.argv[1]), ["--", "-std=c++20", f"-I{ROOT}/include", *sys.argv[2:]]
    examples = [
        entry["file"]
        for entry in json.loads((build / "compile_commands.json").read_text())
        if "/examples/" in entry["file"] and entry["file"].endswith(".cpp")
    ]
    problems = [] if examples else ["no example among the compile commands"]
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        every, planted = pathlib.Path(name) / "every_header.cpp", pathlib.Path(name) / "planted.cpp"
        every.write_text("".join(headers()))
        planted.write_text(PLANTED)
        config = f"--config-file={ROOT}/.clang-tidy"
        on_planted = pool.submit(tidy, config, planted, *flags)
        runs = [pool.submit(tidy, config, every, *flags)]
        runs += [pool.submit(tidy, "-p", build, example) for example in examples]
        problems += [text for found, text in (run.result() for run in runs) if found]
        problems += [f"not reported: {check}" for check in sorted(MUST_FIND - on_planted.result()[0])]
    print(f"tidy: {len(examples)} examples and every public header")
    finish("tidy", problems)


if __name__ == "__main__":
    main()

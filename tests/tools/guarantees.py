#!/usr/bin/env python3
"""Every guarantee has a test that carries its number in its name, and a mutant that breaks it."""

import re

from sources import ROOT, cpp_files, finish

GUARANTEES = range(1, 42)

TEST_NAME = re.compile(r'\b(?:TEST_CASE|TEST_CASE_FIXTURE|TEST_CASE_TEMPLATE|SCENARIO)\s*\([^"]*"([^"]*)"')


def tested_in(text):
    """The guarantees whose numbers stand before the colon of a test's name ("G3, G5: ...")."""
    for name in TEST_NAME.findall(text):
        if ":" in name:
            yield from (int(number) for number in re.findall(r"\bG(\d+)\b", name.split(":")[0]))


def problems():
    tested = {number for path in cpp_files("tests") for number in tested_in(path.read_text())}
    patches = (ROOT / "tests" / "mutants").glob("G*-*.patch")
    mutated = {int(found[1]) for path in patches if (found := re.match(r"G(\d+)-", path.name))}
    for number in GUARANTEES:
        if number not in tested:
            yield f"G{number}: no test case is named after it"
        if number not in mutated:
            yield f"G{number}: no mutant tests/mutants/G{number}-*.patch breaks it"
    for number in sorted((tested | mutated) - set(GUARANTEES)):
        yield f"G{number}: there is no such guarantee"


if __name__ == "__main__":
    finish("guarantees", list(problems()))

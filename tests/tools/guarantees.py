#!/usr/bin/env python3
"""Every guarantee has a test that carries its number in its name, another one through the C surface,
and a mutant that breaks it."""

import re

from sources import ROOT, cpp_files, finish

GUARANTEES = range(1, 42)

TEST_NAME = re.compile(r'\b(?:TEST_CASE|TEST_CASE_FIXTURE|TEST_CASE_TEMPLATE|SCENARIO)\s*\([^"]*"([^"]*)"')


def tested_in(text):
    """The guarantees whose numbers stand before the colon of a test's name ("G3, G5: ...")."""
    for name in TEST_NAME.findall(text):
        if ":" in name:
            yield from (int(number) for number in re.findall(r"\bG(\d+)\b", name.split(":")[0]))


def untested(numbers, where):
    """What is missing, when tests are named after these numbers."""
    return [f"G{number}: no test case {where} is named after it" for number in GUARANTEES if number not in numbers]


def problems():
    through_c, in_cpp = set(), set()
    for path in cpp_files("tests"):
        surface = through_c if path.is_relative_to(ROOT / "tests" / "capi") else in_cpp
        surface.update(tested_in(path.read_text()))
    yield from untested(in_cpp, "in C++")
    yield from untested(through_c, "in tests/capi")
    patches = (ROOT / "tests" / "mutants").glob("G*-*.patch")
    mutated = {int(found[1]) for path in patches if (found := re.match(r"G(\d+)-", path.name))}
    for number in GUARANTEES:
        if number not in mutated:
            yield f"G{number}: no mutant tests/mutants/G{number}-*.patch breaks it"
    for number in sorted((in_cpp | through_c | mutated) - set(GUARANTEES)):
        yield f"G{number}: there is no such guarantee"


if __name__ == "__main__":
    finish("guarantees", list(problems()))

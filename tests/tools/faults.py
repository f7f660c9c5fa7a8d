#!/usr/bin/env python3
"""Every entry of the fault catalogue that concerns the core has a test, or a reason why it has none.

tests/faults.md is the table. A test is named by its file and by words that stand in it; a mutant by
its patch; a scenario of the proof by its name.
"""

import re

from sources import ROOT, finish

ENTRIES = [*range(1, 59), *range(81, 92)]  # catalogue sections A to E, H and I

ROW = re.compile(r"^\| F(\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
EVIDENCE = re.compile(r"`([^`]+)`")


def problem_with(evidence):
    """Says what is wrong with one piece of evidence, or None."""
    where, _, words = evidence.partition(": ")
    if where == "proof":
        catalogue = (ROOT / "tests/proof/catalogue.hpp").read_text() + (ROOT / "tests/proof/proof.cpp").read_text()
        return None if f'"{words}"' in catalogue else f"the proof has no scenario {words!r}"
    path = ROOT / where
    if not path.is_file():
        return f"{where} does not exist"
    if words and words not in path.read_text():
        return f"{where} does not contain {words!r}"
    return None


def problems():
    rows = ROW.findall((ROOT / "tests" / "faults.md").read_text())
    numbers = [int(number) for number, _, _ in rows]
    for number in ENTRIES:
        if numbers.count(number) != 1:
            yield f"F{number}: {numbers.count(number)} rows in tests/faults.md"
    for number, _, held in rows:
        if int(number) not in ENTRIES:
            yield f"F{number}: no entry of the sections this table is for"
        evidence = EVIDENCE.findall(held)
        if not evidence and not held.startswith("not applicable: "):
            yield f"F{number}: neither a test nor 'not applicable: ' and the reason"
        for piece in evidence:
            if problem := problem_with(piece):
                yield f"F{number}: {problem}"


if __name__ == "__main__":
    finish("faults", list(problems()))

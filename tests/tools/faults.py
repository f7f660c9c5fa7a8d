#!/usr/bin/env python3
"""Every entry of the fault catalogue has a test, or a reason why it has none.

tests/faults.md is the table. A test is named by its file and by words that stand in it; a mutant by
its patch; a scenario of the proof by its name.
"""

import re

from sources import ROOT, finish

ENTRIES = [f"F{number}" for number in range(1, 92)]
# F80 is a list of attacks, each with a row of its own: the subsections of RFC 8656 section 21.
ATTACKS = [f"21.{n}" for n in ("1.1 1.2 1.3 1.4 1.5 1.6 1.7 2.1 2.2 2.3 3.1 3.2 3.3 4 5").split()]

ROW = re.compile(r"^\| (F\d+|21[.\d]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
EVIDENCE = re.compile(r"`([^`]+)`")
REASONS = ("not applicable: ", "server's duty: ")  # the latter for attacks only


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
    names = [name for name, _, _ in rows]
    for name in ENTRIES + ATTACKS:
        if names.count(name) != 1:
            yield f"{name}: {names.count(name)} rows in tests/faults.md"
    for name, _, held in rows:
        if name not in ENTRIES + ATTACKS:
            yield f"{name}: no entry of the catalogue"
        evidence = EVIDENCE.findall(held)
        reasons = REASONS if name in ATTACKS else REASONS[:1]
        if not evidence and not held.startswith(reasons) and (name, held) != ("F80", "each attack, below"):
            yield f"{name}: neither a test nor {reasons[0]!r} and the reason"
        for piece in evidence:
            if problem := problem_with(piece):
                yield f"{name}: {problem}"


if __name__ == "__main__":
    finish("faults", list(problems()))

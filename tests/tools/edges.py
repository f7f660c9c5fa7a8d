#!/usr/bin/env python3
"""The changes of state that the proof observed in the code are those of the model, in both directions.

usage: edges.py <file written by proof --edges>...      several runs may share the work
"""

import pathlib
import sys

from sources import ROOT

# The model has edges that the code cannot take, each with the reason.
NOT_IN_CODE = {
    "link_loss": "provider and platform share a process: there is no link between them that could break",
}


def edges_of(path):
    lines = pathlib.Path(path).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    model = edges_of(ROOT / "tests" / "model" / "edges.txt")
    expected = {edge for edge in model if edge.split()[1] not in NOT_IN_CODE}
    observed = set().union(*(edges_of(path) for path in sys.argv[1:]))
    for edge in sorted(expected - observed):
        print(f"edges: in the model, never seen in the code: {edge}")
    for edge in sorted(observed - expected):
        print(f"edges: seen in the code, not in the model: {edge}")
    wrong = len(expected ^ observed)
    print(f"edges: {len(observed)} in the code, {len(expected)} of the model's {len(model)}, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Prints `N passed, N failed` over the JUnit files of all stages; status 1 when anything failed.

usage: totals.py <number of failed stages> <file>...

A doctest program counts with its test cases, anything else as one. A stage that failed without a failed
test (it did not build, or did not install) counts as one failure.
"""

import re
import sys
import xml.etree.ElementTree


def count(case):
    """(passed, failed) of one test."""
    output = case.findtext("system-out") or ""
    doctest = re.search(r"test cases: +\d+ \| +(\d+) passed \| +(\d+) failed", output)
    succeeded = case.get("status") == "run"
    if not doctest:
        return (1, 0) if succeeded else (0, 1)
    passed, failed = int(doctest[1]), int(doctest[2])
    # Failed although its test cases passed: a sanitizer's report at the end, for instance.
    return passed, failed if succeeded else max(failed, 1)


def main():
    failed_stages, files = int(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    for file in files:
        for case in xml.etree.ElementTree.parse(file).iter("testcase"):
            good, bad = count(case)
            passed += good
            failed += bad
    failed = max(failed, failed_stages)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

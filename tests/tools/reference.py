#!/usr/bin/env python3
"""The tables of docs/reference are what the headers say, and the tests that they name exist.

usage: reference.py [--refresh]

    <!-- generated: errors -->                     every errc: base/error.hpp and capi/hresult.hpp
    <!-- generated: members of x in <header> -->   the members of a struct: name, default, comment
    | G1 | ... | test name |                       in guarantees.md: that test is there, with G1 in its name

A generated table ends at the next empty line. --refresh writes what the headers say.
"""

import re
import sys

from guarantees import GUARANTEES, TEST_NAME
from sources import ROOT, cpp_files, finish

REFERENCE = ROOT / "docs" / "reference"
CHOICES = range(1, 29)
GENERATED = re.compile(r"^<!-- generated: (.*?) -->\n(.*?)(?=^\n|\Z)", re.MULTILINE | re.DOTALL)


def header(path):
    return (ROOT / "include" / "lockgate" / path).read_text()


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell or " " for cell in line) + " |\n" for line in lines)


def constants(text):
    """The HRESULTs of windows_types.h by the way they are spelt."""
    out = {"S_OK": 0}
    for name, value in re.findall(r"#define (\w+) \(\(HRESULT\)(\w+)\)", text):
        out[name] = int(value, 16)
    for name, value in re.findall(r"#define (\w+) (\d+)$", text, re.MULTILINE):
        out[f"HRESULT_FROM_WIN32({name})"] = 0x80070000 | int(value)
    return out


def errors(error_hpp, hresult_hpp, windows_types_h):
    enumerators = re.search(r"enum class errc \{(.*?)\};", error_hpp, re.DOTALL)[1]
    conditions = {}
    cases = error_hpp[error_hpp.index("standard_condition(errc") :]
    for labels, condition in re.findall(r"((?:\s*case errc::\w+:)+)\s*return std::errc::(\w+);", cases):
        for label in re.findall(r"errc::(\w+)", labels):
            conditions[label] = condition
    results = dict(re.findall(r"meaning\{errc::(\w+), ([^}]+)\}", hresult_hpp))
    values = constants(windows_types_h)
    rows = []
    for name, comment in re.findall(r"^ *(\w+)(?: = 0)?,(?: *///< (.*))?$", enumerators, re.MULTILINE):
        condition = f"`{conditions[name]}`" if name in conditions else ""
        spelt = results[name]
        rows.append([f"`{name}`", comment or "success", condition, f"`{spelt}`", f"`0x{values[spelt]:08X}`"])
    return table(["`errc`", "when", "`std::errc`", "`HRESULT`", "value"], rows)


def members(struct, text):
    body = re.search(rf"^struct {struct} \{{\n(.*?)^\}};", text, re.MULTILINE | re.DOTALL)[1]
    rows = []
    for kind, name, default, comment in re.findall(
        r"^  ([\w:]+(?:<[\w<>:]+>)?)\s+(\w+)\s*(?:=\s*([^;]*?)|\{\})?;(?:\s*///< (.*))?$", body, re.MULTILINE
    ):
        default = re.sub(r"\s+", " ", default).removeprefix("std::chrono::")
        default = "" if default in ("{}", "") else f"`{default.replace('std::size_t', 'size_t')}`"
        rows.append([f"`{name}`", f"`{kind.replace('std::', '')}`", default, comment or ""])
    return table(["member", "type", "default", "meaning"], rows)


def generate(what):
    if what == "errors":
        return errors(header("base/error.hpp"), header("capi/hresult.hpp"), header("capi/windows_types.h"))
    struct, path = re.fullmatch(r"members of (\w+) in (\S+)", what).groups()
    return members(struct, header(path))


def refreshed(text):
    return GENERATED.sub(lambda found: f"<!-- generated: {found[1]} -->\n{generate(found[1])}", text)


def tests():
    """Every test's name and the numbers in it."""
    for path in [*cpp_files("tests"), *sorted((ROOT / "tests").rglob("*.c"))]:
        for name in TEST_NAME.findall(path.read_text()):
            yield name, set(re.findall(r"\b[GU]\d+\b", name))


def wrong_tests(page, known):
    """Yields what is wrong with the third column of the table of guarantees and choices."""
    named = re.findall(r"^\| ([GU]\d+) \| .* \| (.*) \|$", page, re.MULTILINE)
    for number, cell in named:
        for name in cell.split("<br>"):
            if name.startswith("`"):
                if not (ROOT / name.strip("`")).is_file():
                    yield f"{number}: there is no {name}"
            elif number not in known.get(name, ()):
                yield f"{number}: no test has this name and number: {name}"
    wanted = [f"G{g}" for g in GUARANTEES] + [f"U{u}" for u in CHOICES]
    if [number for number, _ in named] != wanted:
        yield "not each of G1 to G41 and U1 to U28 has its line, in order"


def problems(refresh):
    for path in sorted(REFERENCE.glob("*.md")):
        text = path.read_text()
        new = refreshed(text)
        if new != text and refresh:
            path.write_text(new)
        elif new != text:
            yield f"{path.relative_to(ROOT)}: a generated table is not what the headers say: --refresh"
    for problem in wrong_tests((REFERENCE / "guarantees.md").read_text(), dict(tests())):
        yield f"docs/reference/guarantees.md: {problem}"


if __name__ == "__main__":
    finish("reference", list(problems("--refresh" in sys.argv[1:])))

#!/usr/bin/env python3
"""Finds what g++ 12 to 16 miscompile around co_await: name the result first."""

import re

from sources import ROOT, code_only, cpp_files, finish, line_of

CONTROL = re.compile(r"\b(if|while|for|switch)\s*(?:constexpr\s*)?\(")
BINDING = re.compile(r"\bauto\s*(?:const\b\s*)?&{0,2}\s*\[[^\]]*\]\s*=[^;]*\bco_await\b")
CAPTURE = re.compile(r"[(,{=]\s*\[[^\]\s]")


def closing(code, opening):
    """The position of the bracket that closes the one at `opening`."""
    depth = 0
    for position in range(opening, len(code)):
        if code[position] in "([{":
            depth += 1
        elif code[position] in ")]}":
            depth -= 1
            if depth == 0:
                return position
    return len(code)


def top_level_parts(text):
    """Splits at the semicolons that are in no bracket."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == ";" and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return parts + [text[start:]]


def traps(text):
    """Yields (position, sentence) for every trap in a piece of C++."""
    code = re.sub(r"\boperator\s+co_await\b", lambda name: " " * len(name[0]), code_only(text))
    for control in CONTROL.finditer(code):
        word, opening = control[1], control.end() - 1
        parts = top_level_parts(code[opening + 1 : closing(code, opening)])
        # Only an init declaration may await: it is evaluated once, before the condition.
        conditions = parts if len(parts) == 1 or word == "while" else parts[1:]
        if any(re.search(r"\bco_await\b", part) for part in conditions):
            yield control.start(), f"co_await in the condition of {word}"
    for binding in BINDING.finditer(code):
        yield binding.start(), "structured binding directly on co_await"
    for await_ in re.finditer(r"\bco_await\b", code):
        start = max(code.rfind(end, 0, await_.start()) for end in ";{}") + 1
        statement = code[start:await_.start()] + re.split("[;{}]", code[await_.start() :], maxsplit=1)[0]
        if "?" in statement:
            yield await_.start(), "?: in one expression with co_await"
        if CAPTURE.search(statement):
            yield await_.start(), "capturing lambda in one expression with co_await"


def problems():
    probes = ROOT / "tests" / "probes"  # they step into every trap on purpose
    for path in cpp_files("include", "tests", "examples", "benchmarks"):
        if probes in path.parents:
            continue
        text = path.read_text()
        for position, sentence in sorted(set(traps(text))):
            yield f"{path.relative_to(ROOT)}:{line_of(text, position)}: {sentence}"


if __name__ == "__main__":
    finish("coroutine_traps", list(problems()))

#!/usr/bin/env python3
"""A header includes only its own layer and the layers it may build on; the core includes nothing foreign.

What stands in a layer's folder `detail` is that layer's own.

No header reads the wall clock, whatever it includes: people and daemons set it (F54).
"""

import re

from sources import ROOT, cpp_files, finish, line_of

CORE = ["base", "coro", "buffer", "provider", "net", "platform"]

# Layers after the core: those beyond the core that each may include.
BEYOND = {
    "asio": [],
    "stun": [],
    "signalling": ["stun"],
    "direct": [],
    "turn": ["stun"],
    "crypto": [],
    "observe": [],
    "testing": ["observe", "stun"],
    "capi": [],
}

# Headers that are not the standard library's, and the only layers that may include them. Operating
# system headers count as the asio layer's: that is where sockets are.
FOREIGN = {
    r"asio(/.*)?\.hpp": ["asio"],
    r"openssl/.*": ["crypto", "asio"],
    r"sanitizer/.*": ["buffer"],  # the compiler's: poisoning returned memory
    r"(sys|netinet|arpa|net|linux|bits)/.*|.*\.h": ["asio"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

WALL_CLOCK = re.compile(r"\b(system_clock|utc_clock|file_clock|gettimeofday|CLOCK_REALTIME|std::time\(|time\(nullptr)")


def wall_clock(text):
    """The places of `text` that read the wall clock."""
    return WALL_CLOCK.finditer(text)


def allowed_layers(layer):
    if layer in CORE:
        return CORE[: CORE.index(layer) + 1]
    return CORE + [layer] + BEYOND[layer]


def problem_with(layer, kind, name):
    """Says what is wrong with one include in a header of `layer` ("" for an umbrella), or None."""
    if kind == "<":
        for pattern, layers in FOREIGN.items():
            if re.fullmatch(pattern, name):
                return None if layer in layers else f"<{name}> belongs to {' and '.join(layers)}"
        if "/" in name or "." in name:
            return f"<{name}> is no header of the standard library"
        return None
    if not name.startswith("lockgate/"):
        return f'"{name}" must be spelt from lockgate/'
    target = name.split("/")[1] if name.count("/") > 1 else ""
    if not (ROOT / "include" / name).is_file():
        return f'"{name}" does not exist'
    if layer == "":
        return None if target in CORE + [""] else f'an umbrella includes the core only, not "{name}"'
    if target == "":
        # A folder's umbrella (lockgate/provider.hpp) and the core's are made for those outside the core.
        return None if layer in BEYOND else f'the core must not include the umbrella "{name}"'
    if "/detail/" in name and target != layer:
        return f'"{name}" belongs to {target} alone'
    if target not in allowed_layers(layer):
        return f'layer {layer} must not include "{name}"'
    return None


def problems():
    top = ROOT / "include" / "lockgate"
    for path in cpp_files("include/lockgate"):
        relative = path.relative_to(top)
        layer = relative.parts[0] if len(relative.parts) > 1 else ""
        if layer and layer not in CORE and layer not in BEYOND:
            yield f"{path.relative_to(ROOT)}: {layer} is no layer"
            continue
        text = path.read_text()
        for include in INCLUDE.finditer(text):
            problem = problem_with(layer, include[1], include[2])
            if problem:
                yield f"{path.relative_to(ROOT)}:{line_of(text, include.start())}: {problem}"
        for read in wall_clock(text):
            yield f"{path.relative_to(ROOT)}:{line_of(text, read.start())}: {read[0]} is the wall clock"


if __name__ == "__main__":
    finish("layers", list(problems()))

#!/usr/bin/env python3
"""Makes the reference of the public names with Doxygen; a public name without a docstring is an error.

usage: docs.py <folder to write to>

What has its docstring elsewhere needs none of its own:
"""

import os
import pathlib
import re
import subprocess
import sys

from sources import ROOT, finish

# (where, name): regular expressions for the class and for the member.
SAID_ELSEWHERE = (
    # the class says what its constructors and data members are about; C++ says what these operators do
    (r".*", r"operator(=|==|<=>| ?bool).*"),
    # a function without parameters that changes nothing gives what its name says
    (r".*", r"\w+\(\) const.*"),
    (r".*", r"(home|now|random|stop|client|wire|through|control|told|internet|inner|context)\(\).*"),
    # names that have the standard library's meaning
    (
        r".*",
        r"(begin|end|size|empty|front|back|first|push_back|push_front|pop_front|clear|reset|find|count|erase|value|value_or"
        r"|allocate|deallocate|duration|rep|period|time_point|promise_type|value_type|error_type|operator[*\[]|operator->)"
        r"\b.*|operator(\*|->|\[\]).*",
    ),
    (r".*iterator", r".*"),
    # a value's name
    (r"lockgate.*", r"to_string\(.*"),
    # provider/rows.hpp says what the rows are for, platform/event.hpp what an observer is told
    (
        r".*",
        r"(establish_session|terminate_session|transition_active|transition_dormant|add_transport_id"
        r"|remove_transport_id|reach_transport_id|send_buffers)\b.*|on\(const event ?&.*",
    ),
    # what is overridden has its docstring in the base
    (r".*", r".*\) (noexcept )?override"),
    # coro/operation.hpp and the language say what awaiting is; the function that gives the operation says the rest
    (r".*(_operation|awaiter|sleep_\w+|yield|this_context|wait_until)(< .* >)?", r".*"),
    (r".*", r"(bind|await_ready|await_suspend|await_resume)\(.*"),
    # net/ says what networks, sockets and streams offer
    (
        r".*(network|host|socket|stream)(< .* >)?",
        r"(buffers|datagram_socket_type|stream_type|open_datagram|connect|resolve|local_address|try_send"
        r"|writable|receive|send|close)\b.*",
    ),
)

MEMBER = re.compile(r"warning: Member (?P<name>.*) \((?P<kind>\w+)\) of (?P<scope>\w+) (?P<where>.*) is not documented")
COMPOUND = re.compile(r"warning: Compound (?P<name>.*) is not documented")
# Doxygen 1.9.4 does not understand specialisations for other libraries' templates.
NOT_OURS = re.compile(r"Internal inconsistency: scope for class (std|asio)::")


def is_said_elsewhere(where, name, kind="", scope=""):
    class_name = re.sub(r"<.*", "", where).split("::")[-1].strip()
    if scope in ("class", "struct") and (kind == "variable" or name.startswith(f"{class_name}(")):
        return True
    return any(re.fullmatch(w, where) and re.fullmatch(n, name) for w, n in SAID_ELSEWHERE)


def problems_in(output):
    for line in dict.fromkeys(output.splitlines()):
        if not line.strip() or NOT_OURS.search(line):
            continue
        if (found := MEMBER.search(line)) and is_said_elsewhere(
            found["where"], found["name"], found["kind"], found["scope"]
        ):
            continue
        if (found := COMPOUND.search(line)) and is_said_elsewhere(found["name"], ""):
            continue
        yield line.removeprefix(f"{ROOT}/")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        ["doxygen", "docs/Doxyfile"], cwd=ROOT, env={**os.environ, "LOCKGATE_DOCS": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
    )
    finish("docs", list(problems_in(run.stdout)))


if __name__ == "__main__":
    main()

"""What the checks share: the project's folders, and C++ text without its comments and strings."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

_NOT_CODE = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


def code_only(text):
    """Blanks comments and literals, keeping every character's position."""
    return _NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def cpp_files(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                yield path


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(name, problems):
    """Prints what is wrong and ends the program: status 1 when anything is."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)")
    raise SystemExit(1 if problems else 0)

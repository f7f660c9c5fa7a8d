#!/usr/bin/env python3
"""The checks under test: each must notice a planted fault and accept the sound twin."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import compile_fail
import coroutine_traps
import docs
import guarantees
import instantiations
import layers
import reference
import snippets
import tour
import wrong_providers

TOOLS = pathlib.Path(__file__).resolve().parent
CXX = os.environ["CXX"]
MAIN = os.environ["DOCTEST_MAIN"].split(":")  # what every test program is linked with


class CoroutineTraps(unittest.TestCase):
    def found(self, text):
        return {sentence for _, sentence in coroutine_traps.traps(text)}

    def test_conditions(self):
        for statement in (
            "if (co_await x) {}",
            "if (auto r = f(); co_await r) {}",
            "while (a && co_await b) {}",
            "do {} while (co_await b);",
            "switch (co_await x) {}",
            "for (; co_await x;) {}",
            "for (auto v : co_await x) {}",
        ):
            self.assertTrue(any("condition" in s for s in self.found(statement)), statement)

    def test_expressions(self):
        self.assertTrue(self.found("auto [a, b] = co_await x;"))
        self.assertTrue(self.found("const auto& [a, b] = std::move(co_await x);"))
        self.assertTrue(self.found("v = b ? co_await x : co_await y;"))
        self.assertTrue(self.found("co_await f([s = 1] { return s; });"))

    def test_sound(self):
        for statement in (
            "if (auto r = co_await x; r) {}",
            "for (auto r = co_await x; r; ++r) {}",
            "auto r = co_await x; auto& [a, b] = r;",
            "if constexpr (requires { x.operator co_await(); }) {}",
            "int v = a ? b : c; co_await f(v);",
            "co_await f(values[i], [] { return 1; });",
            "// if (co_await x)\n/* while (co_await x) */ f(\"if (co_await x)\");",
            "for (int i = 0; i < 1'000'000; ++i) { co_await x; }",
        ):
            self.assertEqual(set(), self.found(statement), statement)


class Layers(unittest.TestCase):
    def test_refused(self):
        for layer, kind, name in (
            ("platform", "<", "asio.hpp"),
            ("net", "<", "asio/ip/udp.hpp"),
            ("net", "<", "sys/socket.h"),
            ("base", "<", "windows.h"),
            ("stun", "<", "openssl/hmac.h"),
            ("base", "<", "boost/asio.hpp"),
            ("base", '"', "version.hpp"),
            ("base", '"', "lockgate/base/no_such_header.hpp"),
            ("observe", '"', "lockgate/platform/detail/session.hpp"),
        ):
            self.assertIsNotNone(layers.problem_with(layer, kind, name), (layer, name))

    def test_order(self):
        self.assertNotIn("coro", layers.allowed_layers("base"))
        self.assertNotIn("turn", layers.allowed_layers("testing"))
        self.assertIn("stun", layers.allowed_layers("turn"))
        self.assertNotIn("turn", layers.allowed_layers("signalling"))

    def test_allowed(self):
        for layer, kind, name in (
            ("platform", '"', "lockgate/base/version.hpp"),
            ("base", "<", "span"),
            ("asio", "<", "asio/ip/udp.hpp"),
            ("asio", "<", "sys/socket.h"),
            ("crypto", "<", "openssl/hmac.h"),
        ):
            self.assertIsNone(layers.problem_with(layer, kind, name), (layer, name))

    def test_wall_clock(self):
        for text in ("std::chrono::system_clock::now()", "clock_gettime(CLOCK_REALTIME, &t)", "std::time(nullptr)"):
            self.assertTrue(list(layers.wall_clock(text)), text)
        for text in ("std::chrono::steady_clock::now()", "home.now()", "lifetime(3)", "first_time(nullptr)"):
            self.assertFalse(list(layers.wall_clock(text)), text)


class Guarantees(unittest.TestCase):
    def test_names(self):
        text = 'TEST_CASE("G3, G5: held") {}\nTEST_CASE_FIXTURE(world, "G12: x") {}\nTEST_CASE("not G9") {}'
        self.assertEqual([3, 5, 12], list(guarantees.tested_in(text)))

    def test_missing(self):
        found = guarantees.untested(set(guarantees.GUARANTEES) - {29}, "in tests/capi")
        self.assertEqual(["G29: no test case in tests/capi is named after it"], found)
        self.assertEqual([], guarantees.untested(set(guarantees.GUARANTEES), "in tests/capi"))


class Snippets(unittest.TestCase):
    TEXT = "int a;\n\nclass b {\n  void c();\n  void d();\n};\nint e;\n"

    def problem(self, page):
        """What is wrong with the only block of `page`, a file of docs/."""
        [(_, mark, language, text)] = snippets.blocks(page)
        return snippets.problem_with(snippets.ROOT / "docs" / "page.md", mark, language, text, TOOLS)

    def test_excerpts(self):
        for block in ("int a;\n", "void c();\nvoid d();\n", "class b {\n  ...\n};\n", "int a;\n// ...\nint e;\n"):
            self.assertTrue(snippets.is_excerpt(block, self.TEXT), block)
        for block in ("int x;\n", "void c();\nint e;\n", "int e;\n...\nint a;\n", "class b {\nvoid c();\n"):
            self.assertFalse(snippets.is_excerpt(block, self.TEXT), block)

    def test_marks(self):
        source = "<!-- source: tests/tools/sources.py -->\n"
        for page, sentence in (
            ("```cpp\nint a;\n```\n", "without a source"),
            ("<!-- unchecked: short -->\n```cpp\nint a;\n```\n", "without a source"),
            (source + "```python\nimport os\n```\n", "not an excerpt"),
            ("<!-- source: no/such.file -->\n```cpp\nint a;\n```\n", "does not exist"),
            ("```sh\nls\n```\n", "no comment"),
            ("<!-- command -->\n```sh\ncmake --preset nowhere\n```\n", "preset nowhere"),
            ("<!-- command -->\n```sh\npython3 tests/tools/no_such.py\n```\n", "file tests/tools/no_such.py"),
            ("<!-- output: layers.py -->\n```text\nlayers: 99 problem(s)\n```\n", "prints something else"),
        ):
            self.assertIn(sentence, self.problem(page) or "", page)
        for page in (
            source + "```python\nimport re\n```\n",
            "<!-- command -->\n```sh\ncmake --workflow --preset test\n```\n",
            "<!-- output: layers.py -->\n```text\nlayers: 0 problem(s)\n```\n",
        ):
            self.assertIsNone(self.problem(page), page)


    def test_links(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text("# One thing: `a`\n")
            for alive in ("(page.md)", "(#one-thing-a)", "(page.md#one-thing-a)", "(https://example.org/q)"):
                self.assertEqual([], list(snippets.dead_links(page, f"[x]{alive}")), alive)
            for dead in ("(nowhere.md)", "(#one-thing)", "(page.md#nothing)"):
                self.assertEqual(1, len(list(snippets.dead_links(page, f"[x]{dead}"))), dead)


class Tour(unittest.TestCase):
    PAGE = """<!-- source: examples/tour/x.txt -->
```text
one
```
<!-- tour -->
```sh
cat tour/x.txt
```
<!-- tour -->
```text
%s
```
"""

    def walk(self, page):
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "tour").mkdir()
            return list(tour.walk(page, pathlib.Path(name)))

    def test_walk(self):
        self.assertEqual([], self.walk(self.PAGE % "one"))
        self.assertIn("instead of", self.walk(self.PAGE % "two")[0])
        self.assertIn("ends with status", self.walk(self.PAGE.replace("cat", "false") % "one")[0])


class Docs(unittest.TestCase):
    def found(self, *lines):
        return list(docs.problems_in("\n".join(f"x.hpp:1: warning: {line}" for line in lines)))

    def test_missing(self):
        for line in (
            "Member send_to(int to) (function) of class lockgate::endpoint is not documented.",
            "Member kind (enumeration) of class lockgate::x is not documented.",
            "Member limit (variable) of namespace lockgate is not documented.",
            "Member is_open(int id) const noexcept (function) of class lockgate::x is not documented.",
            "Compound lockgate::endpoint is not documented.",
            "unexpected command",
        ):
            self.assertEqual(1, len(self.found(line, line)), line)

    def test_said_elsewhere(self):
        for line in (
            "Member local (variable) of struct lockgate::outgoing is not documented.",
            "Member outgoing(int a) noexcept (function) of struct lockgate::outgoing is not documented.",
            "Member operator=(outgoing &&other) (function) of class lockgate::outgoing is not documented.",
            "Member size() const noexcept (function) of class lockgate::x is not documented.",
            "Member fill(int out) override (function) of class lockgate::x is not documented.",
            "Member reach_transport_id(transport_id peer) (function) of class lockgate::x is not documented.",
            "Compound lockgate::endpoint::ready_operation is not documented.",
        ):
            self.assertEqual([], self.found(line), line)


class Reference(unittest.TestCase):
    def test_errors(self):
        table = reference.errors(
            "enum class errc {\n  ok = 0,\n  lost,  ///< not found (G1)\n};\n"
            "standard_condition(errc\n case errc::lost: return std::errc::host_unreachable;",
            "meaning{errc::ok, S_OK}, meaning{errc::lost, HRESULT_FROM_WIN32(ERROR_GONE)}",
            "#define ERROR_GONE 1232\n",
        )
        self.assertIn(
            "| `lost` | not found (G1) | `host_unreachable` | `HRESULT_FROM_WIN32(ERROR_GONE)` | `0x800704D0` |",
            table,
        )

    def test_members(self):
        table = reference.members("wish", "struct wish {\n  int a = 3;  ///< how many\n  duration b{};\n};\n")
        self.assertIn("| `a` | `int` | `3` | how many |\n| `b` | `duration` |   |   |", table)

    def test_named_tests(self):
        lines = [f"| G{g} | x | G{g}: t |" for g in reference.GUARANTEES]
        lines += [f"| U{u} | x | `README.md` |" for u in reference.CHOICES]
        known = {f"G{g}: t": {f"G{g}"} for g in reference.GUARANTEES}
        page = "\n".join(lines)
        self.assertEqual([], list(reference.wrong_tests(page, known)))
        for old, new, sentence in (
            ("G7: t", "G8: t", "no test has this name"),
            ("| G9 | x | G9: t |\n", "", "has its line"),
            ("`README.md`", "`nowhere.cpp`", "there is no"),
        ):
            self.assertIn(sentence, " ".join(reference.wrong_tests(page.replace(old, new, 1), known)))


class WrongProviders(unittest.TestCase):
    PAGE = "<!-- compiler: %s examples/x.cpp -->\n```text\nx.cpp:1:2: error: no\n    7 | f();\n```\n"

    def problems(self, compiler, said, insist=True):
        with contextlib.redirect_stdout(io.StringIO()):
            return [p for p, _, _ in wrong_providers.check(self.PAGE % compiler, insist, lambda *_: said)]

    def test_blocks(self):
        version = subprocess.run([CXX, "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True).stdout
        name = "clang++" if "clang" in CXX else "g++"
        here = f"{name} {version.split('.')[0].strip()}"
        self.assertEqual([], self.problems(here, "x.cpp:31:4: error: no\n  102 | f();\n"))
        self.assertIn("something else", self.problems(here, "x.cpp:1:2: error: yes\n    7 | f();\n")[0])
        self.assertIn("not installed", self.problems("g++ 3", "")[0])
        self.assertEqual([], self.problems("g++ 3", "", insist=False))


class CompileFail(unittest.TestCase):
    SENTENCE = '// expect-error: say hello\nstatic_assert(false, "say hello");\n'

    def defects(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "wrong.cpp"
            source.write_text(text)
            with contextlib.redirect_stdout(io.StringIO()):
                return list(compile_fail.defects(str(source), [CXX, "-std=c++20"]))

    def test_announced(self):
        self.assertEqual([], self.defects(self.SENTENCE))

    def test_defects(self):
        self.assertIn("the compiler accepts", self.defects("// expect-error: x\nint a;\n")[0])
        self.assertIn("no error matches", self.defects("// expect-error: bye\n" + self.SENTENCE)[0])
        self.assertIn("announces no error", self.defects("int a = b;\n")[0])
        self.assertIn("middle of a line", self.defects(self.SENTENCE.replace("hello\n", "hello max-lines: 9\n", 1))[0])
        self.assertIn("lines of output", self.defects("// max-lines: 0\n" + self.SENTENCE)[0])


class Instantiations(unittest.TestCase):
    def grown(self, classes):
        before = {"InstantiateClass": 1000, "InstantiateFunction": 10}
        return list(instantiations.grown({**before, "InstantiateClass": classes}, before))

    def test_growth(self):
        self.assertEqual([], self.grown(1100))
        self.assertIn("1101, 1000 are recorded", self.grown(1101)[0])
        self.assertIn("none counted", self.grown(0)[0])


class Mutants(unittest.TestCase):
    """The runner on patches against version.hpp, with a test program made here."""

    TEST = """#include <doctest/doctest.h>
#include "lockgate/base/version.hpp"
TEST_CASE("has a version") { CHECK(lockgate::version.size() >= 5); }
TEST_CASE("never fails") { CHECK(true); }
TEST_CASE("always fails") { CHECK(false); }
"""

    def run_patch(self, line, kills):
        """Runs the runner with one patch that replaces the version's definition by `line`."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "test.cpp").write_text(self.TEST)
            header = "include/lockgate/base/version.hpp"
            text = (layers.ROOT / header).read_text().splitlines()
            at = next(i for i, old in enumerate(text) if old.startswith("inline constexpr"))
            (folder / "G1-planted.patch").write_text(
                f"# source: {folder}/test.cpp\n# kills: {kills}\n"
                f"--- a/{header}\n+++ b/{header}\n@@ -{at + 1},1 +{at + 1},1 @@\n-{text[at]}\n+{line}\n"
            )
            run = subprocess.run(
                [sys.executable, TOOLS / "run_mutants.py", "--work", folder / "work", "--main", *MAIN]
                + ["--patches", folder, "--", CXX, "-std=c++20"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return run.returncode, run.stdout

    SHORT = 'inline constexpr std::string_view version = "1"; [[maybe_unused]] inline constexpr const char* old ='

    def test_killed(self):
        status, output = self.run_patch(self.SHORT, "has a version")
        self.assertEqual(0, status, output)

    def test_problems(self):
        for line, kills, sentence in (
            (self.SHORT, "never fails", "survives"),
            (self.SHORT, "always fails", "fails without the mutation"),
            (self.SHORT, "no such test", "no test case matches"),
            ("inline constexpr", "has a version", "does not compile"),
        ):
            status, output = self.run_patch(line, kills)
            self.assertEqual(1, status, output)
            self.assertIn(sentence, output)


if __name__ == "__main__":
    unittest.main()

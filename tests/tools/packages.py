#!/usr/bin/env python3
"""The packages agree with the build: one version (base/version.hpp), one set of components and dependencies.

Neither Conan nor vcpkg runs here: the recipe is executed against stand-ins for what it uses of Conan.
"""

import importlib.util
import json
import re
import sys
import types

from sources import ROOT, finish


def build():
    """component -> the targets it links, from CMakeLists.txt."""
    calls = re.findall(r"lockgate_library\((\w+) FOLDERS [\w ]+\s+LINKS ([^)]+)\)", (ROOT / "CMakeLists.txt").read_text())
    return {name: set(links.split()) for name, links in calls}


def version():
    header = (ROOT / "include/lockgate/base/version.hpp").read_text()
    return ".".join(re.findall(r"define LOCKGATE_VERSION_[A-Z]+ (\d+)", header))


class Component:
    def __init__(self):
        self.requires, self.system_libs, self.properties = [], [], {}

    def set_property(self, name, value):
        self.properties[name] = value


class Components(dict):
    def __missing__(self, name):
        return self.setdefault(name, Component())


def recipe():
    """The recipe after set_version, requirements and package_info, with all options on."""
    names = ("conan", "conan.tools", "conan.tools.build", "conan.tools.files", "conan.tools.layout")
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["conan"].ConanFile = object
    sys.modules["conan.tools.build"].check_min_cppstd = None
    sys.modules["conan.tools.files"].copy = None
    sys.modules["conan.tools.files"].load = lambda _, path: open(path, encoding="utf-8").read()
    sys.modules["conan.tools.layout"].basic_layout = None
    spec = importlib.util.spec_from_file_location("recipe", ROOT / "conanfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    made = module.LockgateConan()
    made.recipe_folder = str(ROOT)
    made.options = types.SimpleNamespace(**dict.fromkeys(module.LockgateConan.options, True))
    made.settings = types.SimpleNamespace(os="Linux")
    made.cpp_info = types.SimpleNamespace(components=Components())
    made.required = []
    made.requires = made.required.append
    made.set_version()
    made.requirements()
    made.package_info()
    return made


def conan_problems(components):
    made = recipe()
    if made.version != version():
        yield f"conanfile.py: version {made.version}"
    packages = {requirement.split("/")[0] for requirement in made.required}
    offered = made.cpp_info.components
    if set(offered) != set(components):
        yield f"conanfile.py: components {sorted(offered)}, the build has {sorted(components)}"
    for name, component in offered.items():
        if component.properties.get("cmake_target_name") != f"lockgate::{name}":
            yield f"conanfile.py: component {name} is not lockgate::{name}"
        spelt = {"Threads::Threads": "pthread", "OpenSSL::SSL": "openssl::ssl", "OpenSSL::Crypto": "openssl::crypto"}
        links = {spelt.get(link, link.removeprefix("lockgate_")) for link in components.get(name, ())}
        links = {link for link in links if not link.startswith("$<")}
        given = set(component.requires) | set(component.system_libs)
        if given != links:
            yield f"conanfile.py: component {name} needs {sorted(given)}, the build links {sorted(links)}"
        for foreign in (need.split("::")[0] for need in component.requires if "::" in need):
            if foreign not in packages:
                yield f"conanfile.py: component {name} needs the package {foreign}, which is not required"


def vcpkg_problems(components):
    port = json.loads((ROOT / "packaging/vcpkg/vcpkg.json").read_text())
    if port.get("version") != version():
        yield f"vcpkg.json: version {port.get('version')}"
    for field in ("name", "description", "license"):
        if not isinstance(port.get(field), str):
            yield f"vcpkg.json: no {field}"
    optional = {name for name, links in components.items() if any("::" in link for link in links)} - {"lockgate"}
    if set(port["features"]) != optional:
        yield f"vcpkg.json: features {sorted(port['features'])}, the build has {sorted(optional)}"
    if not set(port.get("default-features", ())) <= set(port["features"]):
        yield "vcpkg.json: a default feature is none of the features"
    portfile = (ROOT / "packaging/vcpkg/portfile.cmake").read_text()
    for feature, contents in port["features"].items():
        if not re.search(rf"^\s+{feature} CMAKE_DISABLE_FIND_PACKAGE_\w+", portfile, re.MULTILINE):
            yield f"portfile.cmake: feature {feature} switches nothing"
        if not contents.get("description") or not contents.get("dependencies"):
            yield f"vcpkg.json: feature {feature} lacks a description or what it depends on"


def version_problems():
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not first or first[1] != version():
        yield f"CHANGELOG.md: the first section is {first and first[1]}"
    debian = re.match(r"lockgate \((\S+)\)", (ROOT / "packaging/debian/changelog").read_text())
    if not debian or debian[1] != version():
        yield f"packaging/debian/changelog: version {debian and debian[1]}"


if __name__ == "__main__":
    everything = build()
    found = [*version_problems(), *conan_problems(everything), *vcpkg_problems(everything)]
    if set(everything) != {"lockgate", "observe", "testing", "asio", "crypto"}:
        found.append(f"CMakeLists.txt: read components {sorted(everything)}")
    finish("packages", [f"{problem} (version.hpp: {version()})" for problem in found])

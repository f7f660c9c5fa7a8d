import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout


class LockgateConan(ConanFile):
    name = "lockgate"
    description = "Coroutine framework for NAT and firewall traversal"
    license = "BSL-1.0"
    topics = ("nat-traversal", "coroutines", "networking", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"with_asio": [True, False], "with_openssl": [True, False]}
    default_options = {"with_asio": True, "with_openssl": False}
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include/lockgate/base/version.hpp"))
        self.version = ".".join(re.findall(r"define LOCKGATE_VERSION_[A-Z]+ (\d+)", header))

    def layout(self):
        basic_layout(self)

    def requirements(self):
        if self.options.with_asio:
            self.requires("asio/[>=1.22]")
        if self.options.with_openssl:
            self.requires("openssl/[>=3 <4]")

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        # All headers, whatever the options: they only say which dependencies come along.
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.h", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        core = self.cpp_info.components["lockgate"]
        core.set_property("cmake_target_name", "lockgate::lockgate")
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]
        for name, base in (("observe", "lockgate"), ("testing", "observe")):
            self.cpp_info.components[name].set_property("cmake_target_name", f"lockgate::{name}")
            self.cpp_info.components[name].requires = [base]
        if self.options.with_asio:
            asio = self.cpp_info.components["asio"]
            asio.set_property("cmake_target_name", "lockgate::asio")
            asio.requires = ["lockgate", "asio::asio"]
            if self.settings.os == "Windows":
                asio.system_libs = ["ws2_32", "mswsock"]
        if self.options.with_openssl:
            crypto = self.cpp_info.components["crypto"]
            crypto.set_property("cmake_target_name", "lockgate::crypto")
            crypto.requires = ["lockgate", "openssl::ssl", "openssl::crypto"]

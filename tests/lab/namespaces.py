"""Private network namespaces: entering the isolation, and one namespace as an object.

enter() moves the calling program into namespaces of its own (user when not root, mount, pid,
network). Every process started afterwards lives in that pid namespace, and every network namespace
is held only by a file descriptor of the program: when the program ends, however it ends, the kernel
removes all of it. Nothing is ever named in the system, so nothing can be left behind or collide.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

EXIT_SKIPPED = 77
TEMPORARY_PREFIX = "lockgate-lab-"
STALE_AFTER_SECONDS = 60
# Package (Debian) that brings each program the laboratory runs.
PROGRAMS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "turnserver": "coturn",
    "openssl": "openssl",
}

# <linux/sched.h>, <linux/prctl.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
# <linux/if_tun.h>
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The laboratory is not what it promises to be."""


class LabUnavailable(Exception):
    """This system does not allow the laboratory, or lacks a program it needs."""


def exit_unavailable(reason: object) -> NoReturn:
    """Ends the program as skipped, or as failed where LOCKGATE_LAB_REQUIRED=1 demands a lab."""
    required = os.environ.get("LOCKGATE_LAB_REQUIRED") == "1"
    print(f"lab: {'FAILED' if required else 'skipped'}: {reason}", file=sys.stderr, flush=True)
    sys.exit(1 if required else EXIT_SKIPPED)


def enter() -> Path:
    """Continues the program inside private namespaces; returns its private temporary directory.

    The caller becomes a supervisor that only waits: it passes on the exit status, kills everything
    when it is told to stop, and removes the temporary directory. Needs a single-threaded caller.
    """
    # The Debian programs live in sbin, which is not on every user's path.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if missing:
        exit_unavailable(f"needs the packages {' '.join(missing)}")
    _remove_stale_directories()
    directory = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    # Held until the supervisor ends: tells a later run that the directory is in use.
    fcntl.flock(os.open(directory, os.O_RDONLY), fcntl.LOCK_EX)
    try:
        _unshare()
    except OSError as error:
        shutil.rmtree(directory)
        exit_unavailable(f"cannot create namespaces: {error}")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _become_init()
        return directory
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGKILL))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(status if status >= 0 else 128 - status)


def run_inside(body: Callable[[Path], int]) -> NoReturn:
    """Enters the namespaces, runs `body` with the temporary directory, and ends the program.

    The exit status is the body's, 1 after a LabError, or that of exit_unavailable.
    """
    directory = enter()
    try:
        sys.exit(body(directory))
    except LabUnavailable as error:
        exit_unavailable(error)
    except LabError as error:
        print(f"lab: FAILED: {error}", file=sys.stderr)
        sys.exit(1)


def _unshare() -> None:
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET
    if os.geteuid() == 0 and _libc.unshare(flags) == 0:
        return
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(flags | CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _become_init() -> None:
    """First process of the new pid namespace: dies with its supervisor, takes all others along."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    try:
        # Private first, or the new /proc would appear outside as well.
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        scratch = Namespace("scratch")
        scratch.nft("table ip t { chain c { type nat hook postrouting priority srcnat; }; }")
        scratch.close()
    except (subprocess.CalledProcessError, OSError, LabError) as error:
        exit_unavailable(error)


def _remove_stale_directories() -> None:
    """Removes what a supervisor that was itself killed could not."""
    for directory in Path(tempfile.gettempdir()).glob(TEMPORARY_PREFIX + "*"):
        try:
            old = time.time() - directory.stat().st_mtime > STALE_AFTER_SECONDS
            held = os.open(directory, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if old:
                    shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(held)
        except OSError:
            continue  # another user's, in use, or just removed by another run


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def run_tool(command: list[str], text: str | None = None) -> str:
    """Runs a program to its end and returns its output; failure is a LabError with its words."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}\n{text or ''}")
    return done.stdout


class Namespace:
    """A network namespace. As a context manager it is where the calling thread then works."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._outer: list[int] = []
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(_libc.unshare(CLONE_NEWNET))
        self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(_libc.setns(before, CLONE_NEWNET))
        os.close(before)
        self.ip("link set lo up")

    def close(self) -> None:
        """Gives the namespace up; it lives on while a process or socket is inside."""
        os.close(self._fd)

    @property
    def path(self) -> str:
        """What `ip link ... netns` takes for this namespace."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def __enter__(self) -> Namespace:
        self._outer.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        _check(_libc.setns(self._fd, CLONE_NEWNET))
        return self

    def __exit__(self, *_: object) -> None:
        outer = self._outer.pop()
        _check(_libc.setns(outer, CLONE_NEWNET))
        os.close(outer)

    def ip(self, *lines: str) -> None:
        """Runs `ip` commands, one a line."""
        with self:
            run_tool(["ip", "-batch", "-"], "\n".join(lines))

    def nft(self, ruleset: str) -> None:
        """Replaces all rules of the namespace."""
        with self:
            run_tool(["nft", "-f", "-"], "flush ruleset\n" + ruleset)

    def sysctl(self, **settings: int | str) -> None:
        """Sets net.* values; a double underscore stands for the dot."""
        with self:
            for key, value in settings.items():
                Path("/proc/sys/net", *key.split("__")).write_text(str(value))

    def popen(self, command: list[str], **options) -> subprocess.Popen:
        """Starts a process here, in a session of its own."""
        with self:
            try:
                return subprocess.Popen(command, start_new_session=True, **options)
            except OSError as error:
                raise LabError(f"cannot start {command[0]}: {error}") from error

    def udp(self, address: str, port: int = 0) -> socket.socket:
        """A UDP socket bound here, usable from everywhere in the program."""
        with self:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, port))
        return made

    def tcp(self) -> socket.socket:
        """A TCP socket made here, usable from everywhere in the program."""
        with self:
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return made

    def tun(self, name: str) -> int:
        """Creates a TUN device here; returns the descriptor that reads and writes its packets."""
        with self:
            try:
                fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                request = struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
                fcntl.ioctl(fd, TUNSETIFF, request)
            except OSError as error:
                raise LabUnavailable(f"cannot create a TUN device: {error}") from error
        return fd

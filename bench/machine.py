"""Of what kind the machine is that figures were measured on, and how fast it is right now."""

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def yardstick_us() -> float:
    """How long one ES256 check takes right now: on a busy machine everything takes longer in proportion."""
    key = ec.generate_private_key(ec.SECP256R1())
    public, text = key.public_key(), b"x" * 300
    signature = key.sign(text, ec.ECDSA(hashes.SHA256()))
    times = []
    for _ in range(300):
        began = time.perf_counter()
        public.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def sync_ms(folder: Path) -> float:
    """How long a sync of a small write takes on the disk under a folder."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def busy_s() -> float:
    """Seconds that all cores together have worked so far, for whomever, with what the machine's own host took of them."""
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def disk_of(folder: Path) -> str:
    """The kind of file system under a folder."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, at, named, *_ = line.split()
        if (folder.resolve().as_posix() + "/").startswith(at.rstrip("/") + "/") and len(at) >= len(best):
            best, kind = at, named
    return kind


def machine(folder: Path) -> dict[str, Any]:
    """What stands beside every figure."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": f"{cpu} (virtual)" if " hypervisor " in Path("/proc/cpuinfo").read_text() else cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "disk": disk_of(folder),
        "system": platform.system(),
        "python": platform.python_version(),
        "es256_us": yardstick_us(),
        "sync_ms": sync_ms(folder),
    }

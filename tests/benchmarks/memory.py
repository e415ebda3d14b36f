"""Memory of processes, as Linux keeps it."""

from pathlib import Path

from tests.acceptance.processes import Process

PROC = Path("/proc")
GROUP_FIELD = 2
KIB = 1024


def peak_bytes(process: Process) -> int | None:
    """Return the most memory that one process of the group of ``process`` ever held; None where there is no /proc.

    The largest and not the sum: the processes of a group share most of their pages.
    """
    return _largest(process, "VmHWM:")


def resident_bytes(process: Process) -> int | None:
    """Return the memory that one process of the group of ``process`` holds now, the largest's; None without /proc."""
    return _largest(process, "VmRSS:")


def _largest(process: Process, field: str) -> int | None:
    return max((_size(folder, field) for folder in processes_of(process)), default=None)


def processes_of(process: Process) -> list[Path]:
    """Return where /proc tells of each process of the group of ``process``."""
    return [folder for folder in PROC.glob("[0-9]*") if _group(folder) == process.pid]


def _group(folder: Path) -> int | None:
    try:
        # The name in parentheses may contain anything, spaces included.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[GROUP_FIELD])
    except OSError:
        return None


def _size(folder: Path, field: str) -> int:
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith(field)), 0)

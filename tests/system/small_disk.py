"""A file system of a few megabytes that a test can fill and free again."""

import os
import subprocess

import pytest


class SmallDisk:
    """A tmpfs on a directory. Only root may mount one."""

    def __init__(self, path, size="8m"):
        self.path = path
        self._filler = path / "filler"
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(path)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.refusal = done.stdout.decode(errors="replace").strip() if done.returncode else ""

    def fill(self):
        """Takes every byte that is left."""
        with open(self._filler, "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError:
                    pass  # full, or less than this is left
        assert os.statvfs(self.path).f_bavail == 0, "there is room left"

    def free(self):
        self._filler.unlink(missing_ok=True)

    def close(self):
        if not self.refusal:
            subprocess.run(["umount", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path_factory):
    """Name this fixture first, so that a test's nodes have stopped when it is unmounted."""
    disk = SmallDisk(tmp_path_factory.mktemp("disk") / "small")
    if disk.refusal:
        pytest.skip(f"a small file system cannot be mounted here (this needs root): {disk.refusal}")
    yield disk
    disk.close()

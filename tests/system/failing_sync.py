"""Makes every fsync and fdatasync of a running process fail, like a disk that lost writes."""

import shutil
import subprocess

import pytest

from fault_watch import eventually


class FailingSync:
    """Attaches strace to the process: no fsync reaches the kernel, the caller gets EIO."""

    def __init__(self, pid, directory):
        self._said = directory / "strace.said"
        self._calls = directory / "strace.calls"
        program = shutil.which("strace")
        assert program, "strace is not installed: run script/bootstrap"
        words = [program, "-f", "-o", str(self._calls), "-p", str(pid), "-e", "trace=fsync,fdatasync",
                 "-e", "inject=fsync,fdatasync:error=EIO"]
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        eventually(lambda: self._process.poll() is not None or b" attached" in self._said.read_bytes(),
                   "strace attaches")
        if self._process.poll() is not None:
            text = self._said.read_text(errors="replace")
            if "Operation not permitted" in text:
                pytest.skip(f"the kernel does not let this user trace a process: {text.strip()}")
            raise AssertionError(f"strace ended: {text}")

    def failed(self):
        """How many calls have failed."""
        return self._calls.read_text(errors="replace").count("(INJECTED)")

    def close(self):
        """Ends strace and detaches from a running process."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def fail_syncs(tmp_path_factory):
    """fail_syncs(pid)"""
    made = []

    def start(pid):
        made.append(FailingSync(pid, tmp_path_factory.mktemp("strace")))
        return made[-1]

    yield start
    for one in made:
        one.close()

"""Fixtures: nodes on free ports with directories of their own, so that tests run in parallel and twice."""

import os
import pathlib
import shutil
import tempfile

import pytest

from beckon_node import Node, program
from mariadb_fixture import SHARED, Server, module_server, own_server, server, settings  # noqa: F401  (fixtures of all)

started = []  # nodes that live now, for the log of a failed test


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for node in started:
            report.sections.append((f"beckon, pid {node.pid}, port {node.port}", node.log_text()))


def _stop(node):
    if node in started:
        started.remove(node)
    if not node.running():
        node.kill()
        return None
    return node.stop()


@pytest.fixture
def start_node(tmp_path_factory):
    """Starts nodes for one test: start_node({"limits.connections-max": 8}). Each must end with code 0 if it still
    runs when the test is over."""
    nodes = []

    def start(settings=None, directory=None):
        node = Node(directory or tmp_path_factory.mktemp("node"), settings)
        started.append(node)
        nodes.append(node)
        return node.start()

    yield start
    codes = [_stop(node) for node in nodes]
    assert all(code in (None, 0) for code in codes), f"exit codes {codes}"


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory):
    """One node for a whole file; for fixtures of the same scope. Tests take `node`."""
    shared = Node(tmp_path_factory.mktemp("node"))
    started.append(shared)
    shared.start()
    yield shared
    code = _stop(shared)
    assert code in (None, 0), f"exit code {code}"


@pytest.fixture
def node(shared_node):
    """The file's node. Tests use their own ids and do not change the settings. A test that kills the node fails; the
    next one gets it restarted."""
    if not shared_node.running():
        shared_node.kill()
        shared_node.start()
    yield shared_node
    assert shared_node.running(), "this test brought the node down"


@pytest.fixture
def client(node):
    """A separate connection to the file's node."""
    with node.client() as made:
        yield made


def pytest_configure(config):
    """The first process of a run says where the shared server lives; whichever test needs it first starts it."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = config.mariadb_directory = tempfile.mkdtemp(prefix="beckon-shared-")


def pytest_unconfigure(config):
    if hasattr(config, "mariadb_directory"):
        Server(pathlib.Path(config.mariadb_directory) / "server").remove()
        shutil.rmtree(config.mariadb_directory, ignore_errors=True)


def pytest_sessionstart(session):
    if not pathlib.Path(program()).is_file():
        pytest.exit(f"there is no program at {program()}: run script/build, or set BECKON_BIN", returncode=2)

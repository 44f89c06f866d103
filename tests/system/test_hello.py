"""The example of docs/extending.md: a program with one more route, served by one more request actor."""

import pathlib

import pytest

import beckon_node
from beckon_node import Node


@pytest.fixture
def hello(tmp_path, monkeypatch):
    """A node of the example program."""
    built = pathlib.Path(beckon_node.program()).parent / "hello"
    monkeypatch.setenv("BECKON_BIN", str(built))
    node = Node(tmp_path).start()
    yield node
    assert node.stop() == 0


def test_the_new_route_answers_from_the_catalogue(hello):
    with hello.client() as client:
        assert client.get("/v1/hello/Ada").json() == {"hello": "Ada", "popups": 0}
        saved = client.put("/v1/popups/p", {"placements": ["home"], "content": {}})
        assert saved.status == 201, saved
        answer = client.get("/v1/hello/%22J%C3%BCrgen%22")
        assert answer.status == 200 and answer.json() == {"hello": '"Jürgen"', "popups": 1}


def test_its_errors_are_problem_documents(hello):
    with hello.client() as client:
        answer = client.get("/v1/hello/" + "x" * 41)
        assert answer.status == 422 and answer.headers["content-type"].startswith("application/problem+json")
        assert client.get("/v1/hello").status == 404
        assert client.post("/v1/hello/Ada", {}).status == 405


def test_the_routes_of_beckon_are_there_as_well(hello):
    with hello.client() as client:
        assert client.get("/v1/decide?user=u&placement=home").status == 200

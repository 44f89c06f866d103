"""The source tree keeps its rules, and the check sees it when it does not."""

import pathlib
import re
import subprocess
import sys

import pytest

import architecture

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = "#pragma once\n"


def breaches_of(tmp_path, files):
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return architecture.breaches(tmp_path)


def function_of(lines, head="int f(int a) {"):
    """A function of so many lines, its first and last included."""
    return "\n".join([head, *["  g();"] * (lines - 2), "}"]) + "\n"


def test_this_tree_keeps_the_rules():
    assert architecture.breaches(ROOT) == []


def test_every_room_of_the_table_exists_and_is_looked_at():
    seen = {architecture.room_of(str(path)) for path in architecture.source_files(ROOT)}
    assert set(architecture.MAY_INCLUDE) <= seen


def test_rooms_include_one_another_in_one_direction_only():
    order = list(architecture.MAY_INCLUDE)
    for room, others in architecture.MAY_INCLUDE.items():
        later = [other for other in others if order.index(other) > order.index(room)]
        assert not later or room.startswith("apps/examples"), (room, later)


def test_each_room_says_what_it_is_for():
    """One of its headers has the paragraph, above its namespace."""
    for room in architecture.MAY_INCLUDE:
        headers = [(ROOT / path).read_text(encoding="utf-8") for path in architecture.source_files(ROOT)
                   if path.suffix == ".hpp" and architecture.room_of(str(path)) == room]
        assert any(re.search(r"^/// The room ", text, re.MULTILINE) for text in headers), room
        assert len(headers) <= 30, f"{room}: {len(headers)} headers are more than one subject"


@pytest.mark.parametrize("path, line", [
    ("json/a.cpp", '#include "config/configuration.hpp"'),
    ("config/a.cpp", '#include "decision/decide.hpp"'),
    ("decision/a.hpp", '#include "storage/store.hpp"'),
    ("decision/a.cpp", '#  include "net/message.hpp"'),
    ("net/a.cpp", '#include "decision/decide.hpp"'),
    ("net/a.cpp", '#include "storage/store.hpp"'),
    ("storage/a.cpp", '#include "net/message.hpp"'),
    ("storage/a.cpp", '#include "actors/node/node.hpp"'),
    ("actors/node/a.cpp", '#include "apps/beckon/app.hpp"'),
    ("actors/node/a.cpp", '#include "tests/actors/fixture.hpp"'),
    ("actors/node/a.cpp", '#include "node.hpp"'),
    ("tests/net/a.cpp", '#include "storage/store.hpp"'),
    ("net/a.cpp", "#include <sqlite3.h>"),
    ("actors/node/a.cpp", "#include <sqlite3.h>"),
    ("actors/node/a.cpp", "#include <mysql/mysql.h>"),
    ("actors/node/a.cpp", "#include <boost/beast/http.hpp>"),
    ("net/a.cpp", "#include <boost/asio.hpp>"),
    ("storage/a.cpp", "#include <caf/io/broker.hpp>"),
    ("actors/node/a.cpp", "#include <caf/io/broker.hpp>"),
    ("decision/a.cpp", "#include <caf/io/middleman.hpp>"),
    ("net/a.cpp", "#include <rapidjson/document.h>"),
])
def test_a_wrong_include_is_refused(tmp_path, path, line):
    found = breaches_of(tmp_path, {path: HEADER + line + "\n"})
    assert len(found) == 1 and found[0].startswith(f"{path}:2: "), found


@pytest.mark.parametrize("path, line", [
    ("config/a.cpp", '#include "json/json.hpp"'),
    ("storage/a.cpp", '#include "decision/user_state.hpp"'),
    ("storage/sqlite/a.cpp", "#include <sqlite3.h>"),
    ("net/a.cpp", "#include <caf/io/broker.hpp>"),
    ("net/a.cpp", "#include <boost/beast/http.hpp>"),
    ("actors/node/a.cpp", "#include <caf/io/middleman.hpp>"),
    ("actors/node/a.cpp", '#include "config/configuration.hpp"'),
    ("apps/beckon/a.cpp", '#include "actors/node/node.hpp"'),
    ("tests/storage/a.cpp", '#include "storage/store.hpp"'),
    ("tests/storage/a.cpp", '#include "tests/storage/contract.hpp"'),
    ("tests/storage/a.cpp", '#include "contract.hpp"'),
])
def test_a_right_include_is_let_through(tmp_path, path, line):
    assert breaches_of(tmp_path, {path: HEADER + line + "\n"}) == []


def test_a_header_without_pragma_once_is_refused(tmp_path):
    assert "no #pragma once" in breaches_of(tmp_path, {"json/a.hpp": "int f();\n"})[0]


def test_using_namespace_in_a_header_is_refused(tmp_path):
    found = breaches_of(tmp_path, {"json/a.hpp": HEADER + "using namespace std;\n"})
    assert len(found) == 1 and found[0].startswith("json/a.hpp:2: ")
    assert breaches_of(tmp_path, {"json/a.hpp": HEADER + "// using namespace std;\n"}) == []


@pytest.mark.parametrize("head", [
    "int f(int a) {",
    "void type::member(const std::vector<int>& v,\n                  int b) const noexcept {",
    "namespace a {\nstruct s {\n  void f() {",
    "type::type(int a) : a_{a}, b_(a) {",
    "TEST(a long one) {\n  if (x) {\n  }",
    "auto f() -> decltype(g({1})) {",
])
def test_a_function_longer_than_a_screen_is_refused(tmp_path, head):
    closing = "}" * (head.count("{") - head.count("}") - 1)
    extra = head.count("\n")
    begin = 3 if head.startswith("namespace") else 1
    measured = extra + 1 - (begin - 1)  # lines of the head that belong to the function
    for lines, count in ((70, 0), (71, 1)):
        source = head + "\n" + "  g();\n" * (lines - measured - 1) + "}\n" + closing + "\n"
        found = breaches_of(tmp_path, {"json/a.cpp": source})
        assert len(found) == count, (lines, found)
        assert all(f"json/a.cpp:{begin}: the function has 71 lines" in text for text in found)


def test_braces_in_texts_and_comments_do_not_count(tmp_path):
    source = 'int f() {\n  // {\n  /* { */\n  g("{", \'{\', R"({)");\n}\n' * 30
    assert breaches_of(tmp_path, {"json/a.cpp": source}) == []


def test_long_tables_namespaces_and_types_are_no_functions(tmp_path):
    inner = "  int a;\n" * 90
    types = f"namespace a {{\nstruct b {{\n{inner}}};\n}}\n"
    table = "const table t = {\n  {1, f(2)},\n" + "  {2},\n" * 90 + "};\n"
    after_a_macro = f"ADD(a, b)\nADD(c, d)\n\nnamespace a {{\n{inner}}}\n"
    assert breaches_of(tmp_path, {"json/a.cpp": types + table + after_a_macro}) == []


@pytest.mark.parametrize("line", [
    r'out += "{\"a\":";',
    r'out += R"({"a":1})";',
    r'out += ",\"";',
    r'out += "\":" + number;',
    r'out += "\"}";',
    r'format(",\"%s\":%llu", name, value);',
    r'append("[\"");',
])
def test_json_written_by_hand_is_refused(tmp_path, line):
    found = breaches_of(tmp_path, {"net/a.cpp": f"// {line}\nvoid f() {{ {line} }}\n"})
    assert len(found) == 1 and found[0].startswith("net/a.cpp:2: JSON written by hand"), found
    (tmp_path / "net/a.cpp").unlink()
    assert breaches_of(tmp_path, {"json/a.cpp": line + "\n", "tests/net/a.cpp": line + "\n"}) == []


@pytest.mark.parametrize("line", [
    r'fail("the name \"" + name + "\": give both the same");',
    r'out += "[::1]:80"; out += \'{\'; out += \'"\';',
    'text = R"(Reads\n{"a": 1}\n)";',
])
def test_other_quotes_are_no_json(tmp_path, line):
    assert breaches_of(tmp_path, {"net/a.cpp": line + "\n"}) == []


def test_a_default_that_stands_twice_is_refused(tmp_path):
    table = {"config/keys.cpp": '  {"http.idle-timeout-ms", integer, "60000", "ms", 10, 20, "",\n'}

    def found(member, struct="http_options"):
        return breaches_of(tmp_path, {**table, "net/a.hpp": f"{HEADER}struct {struct} {{\n  {member}\n}};\n"})

    for member in ("int64_t idle_timeout_ms = 60000;", "int64_t idle_timeout_ms = 5;",
                   "int64_t other = 60000; // http.idle-timeout-ms"):
        assert len(found(member)) == 1 and found(member)[0].startswith("net/a.hpp:3: "), member
    for member in ("int64_t idle_timeout_ms = 0; // http.idle-timeout-ms", "int64_t grace_ms = 7;",
                   "int64_t other = 60000; // no key.at all"):
        assert found(member) == [], member
    assert found("int64_t idle_timeout_ms = 60000;", "wheel") == []


def test_a_file_of_more_than_400_lines_is_refused(tmp_path):
    assert breaches_of(tmp_path, {"json/a.cpp": "int a;\n" * 400}) == []
    assert "401 lines" in breaches_of(tmp_path, {"json/a.cpp": "int a;\n" * 401})[0]


def test_the_program_ends_with_1_on_a_breach(tmp_path):
    script = ROOT / "tests" / "architecture" / "architecture.py"

    def code():
        done = subprocess.run([sys.executable, script, tmp_path], stdout=subprocess.PIPE, check=False)
        return done.returncode

    assert code() == 1  # nothing to look at is no success
    breaches_of(tmp_path, {"json/a.cpp": "int a;\n"})
    assert code() == 0
    breaches_of(tmp_path, {"json/a.cpp": "#include <sqlite3.h>\n"})
    assert code() == 1

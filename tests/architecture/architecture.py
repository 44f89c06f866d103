#!/usr/bin/env python3
"""The house rules that a machine can check: who includes whom, where vendor headers may stand, how long
functions and files are. On a source tree: architecture.py [ROOT]; prints every breach, ends with 1 if there is one."""

import pathlib
import re
import sys

# Folder -> the folders of this project that it may include, besides itself.
MAY_INCLUDE = {
    "json": set(),
    "config": {"json"},
    "decision": {"json"},
    "net": {"json"},
    "storage": {"decision", "json"},
    "cluster": {"storage", "decision", "json"},
    "actors": {"net", "storage", "cluster", "decision", "json", "config"},
    "apps": {"actors", "net", "storage", "cluster", "decision", "json", "config"},
}
FOLDERS = set(MAY_INCLUDE)

# Vendor header (start of its name) -> the folders that may include it. tests/X may include what X may.
VENDOR_HOMES = {
    "sqlite3": {"storage"},
    "mysql": {"storage"},
    "mariadb": {"storage"},
    "boost/beast": {"net"},
    "boost/asio": set(),
    "curl/": {"apps"},
    "openssl/": {"actors"},
    "rapidjson/": {"json"},
    "caf/io/": {"net"},
}
# The middleman is loaded where the actor system is made; the links to other nodes (actors/peer_*) are sockets under
# CAF's own protocol. Nothing else there sees sockets.
CAF_IO_EXCEPTIONS = {
    "caf/io/middleman.hpp": {"actors", "apps"},
    "caf/io/basp_broker.hpp": {"actors"},
    "caf/io/basp/header.hpp": {"actors"},
    "caf/io/doorman.hpp": {"actors"},
    "caf/io/scribe.hpp": {"actors"},
    "caf/io/network/acceptor_impl.hpp": {"actors"},
    "caf/io/network/default_multiplexer.hpp": {"actors"},
    "caf/io/network/native_socket.hpp": {"actors"},
    "caf/io/network/stream_impl.hpp": {"actors"},
}

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
SOURCES = (".hpp", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
USING_NAMESPACE = re.compile(r"^\s*using\s+namespace\b")
# What opens a block but no function: what is inside is measured by itself. A macro without ; may stand before it.
NO_FUNCTION = re.compile(r"^\s*((inline\s+)?namespace|class|struct|union|enum|extern)\b[^()]*$|=$", re.MULTILINE)


def owner_of(path):
    """The folder whose rules hold for a file: tests/net/x.cpp is held to those of net, and may test itself."""
    parts = path.parts
    if parts[0] == "tests":
        return parts[1] if len(parts) > 2 else None
    return parts[0]


def without_text(source):
    """The source with comments, strings and character literals blanked out; lines stay where they are."""
    parts = (r"//[^\n]*", r"/\*.*?\*/", r'R"([^(\s]*)\(.*?\)\1"', r'"(?:\\.|[^"\\\n])*"',
             r"(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'")
    pattern = re.compile("|".join(parts), re.DOTALL)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), source)


def check_includes(path, source):
    owner = owner_of(path)
    if owner not in FOLDERS:
        return
    for number, line in enumerate(source.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        folder = name.split("/")[0]
        if match.group(1) == '"':
            if folder == "tests":
                if path.parts[0] != "tests":
                    yield number, f'"{name}": the program may not include its tests'
            elif folder in FOLDERS:
                if folder != owner and folder not in MAY_INCLUDE[owner]:
                    allowed = ", ".join(sorted(MAY_INCLUDE[owner])) or "nothing"
                    yield number, f'"{name}": {owner} may include {allowed}'
            elif path.parts[0] != "tests" or "/" in name:  # a test may name the fixture that lies beside it
                yield number, f'"{name}": name a project header from the root of the tree, like "{owner}/…"'
            continue
        for vendor, homes in VENDOR_HOMES.items():
            if name.startswith(vendor) and owner not in homes | CAF_IO_EXCEPTIONS.get(name, set()):
                where = ", ".join(sorted(homes)) or "no folder"
                yield number, f"<{name}>: {vendor} belongs to {where}, not to {owner}"


def check_header(path, source):
    if path.suffix != ".hpp":
        return
    if "#pragma once" not in source:
        yield 1, "the header has no #pragma once"
    for number, line in enumerate(without_text(source).splitlines(), 1):
        if USING_NAMESPACE.match(line) and path.parts[0] != "tests":
            yield number, "using namespace in a header: it holds for everyone who includes it; leave it out"


def functions(source):
    """(first line, last line) of every function of clang-formatted code; lambdas inside belong to it."""
    blocks = []  # of (is a function, line where its statement begins, statement that goes on after the block)
    statement_line, statement = None, ""
    inside = 0  # how many functions are open
    for number, line in enumerate(without_text(source).splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for c in line + "\n":
            open_parenthesis = statement.count("(") > statement.count(")")
            if c == "{":
                is_function = inside > 0 or (
                    "(" in statement and not open_parenthesis and not NO_FUNCTION.search(statement.strip()))
                blocks.append((is_function, statement_line or number, statement if open_parenthesis else ""))
                inside += is_function
                statement, statement_line = "", None
            elif c == "}" and blocks:
                is_function, begin, statement = blocks.pop()
                statement_line = begin if statement else None
                inside -= is_function
                if is_function and inside == 0:
                    yield begin, number
            elif c == ";" and not open_parenthesis:
                statement, statement_line = "", None
            else:
                if statement_line is None and not c.isspace():
                    statement_line = number
                statement += c


def check_lengths(path, source):
    count = len(source.splitlines())
    if count > FILE_LINES_MAX:
        yield count, f"the file has {count} lines, more than {FILE_LINES_MAX}: split it by concern"
    for begin, end in functions(source):
        if end - begin + 1 > FUNCTION_LINES_MAX:
            what = f"the function has {end - begin + 1} lines, more than {FUNCTION_LINES_MAX}"
            yield begin, f"{what}: it does not fit a screen"


def source_files(root):
    for folder in sorted(FOLDERS | {"tests", "bench"}):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                yield path.relative_to(root)


def breaches(root):
    """Every breach as text "file:line: what"."""
    root = pathlib.Path(root)
    found = []
    for path in source_files(root):
        source = (root / path).read_text(encoding="utf-8")
        for check in (check_includes, check_header, check_lengths):
            found += [f"{path}:{number}: {what}" for number, what in check(path, source)]
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    count = len(list(source_files(root)))
    if count == 0:
        print(f"{root}: no sources found; name the root of the source tree")
        return 1
    found = breaches(root)
    print("\n".join(found) if found else f"{count} sources keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

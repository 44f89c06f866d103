#!/usr/bin/env python3
"""The house rules that a machine can check: who includes whom, where vendor headers may stand, how long
functions and files are, that JSON is written and defaults stand in one place. On a source tree: architecture.py [ROOT]; prints every breach, ends with 1 if there is one."""

import pathlib
import re
import sys

from rooms import MAY_INCLUDE, VENDOR_HOMES

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
SOURCES = (".hpp", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
USING_NAMESPACE = re.compile(r"^\s*using\s+namespace\b")
LITERAL_OR_COMMENT = re.compile(r'''//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\((?P<raw>.*?)\)(?P=mark)"'''
                                r'''|"(?P<plain>(?:\\.|[^"\\\n])*)"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+\'''', re.DOTALL)
# A name with its colon and the begin of a value, a quote behind an opening bracket or a comma, or one before a
# closing bracket.
JSON_TEXT = re.compile(r'"\s*:\s*([{\["\d%tfn-]|$)|^\s*[{,\[]\s*"|"\s*[}\]]\s*$')
MEMBER = re.compile(r"\s*[\w:<>]+ (?P<name>\w+) = (?P<value>[^;]+);\s*(?:// (?P<key>[a-z0-9]+\.[a-z0-9.-]*[a-z0-9]))?")
# What opens a block but no function: what is inside is measured by itself. A macro without ; may stand before it.
NO_FUNCTION = re.compile(r"^\s*((inline\s+)?namespace|class|struct|union|enum|extern)\b[^()]*$|=$", re.MULTILINE)


def room_of(name):
    """The room that a file, or what an include names, belongs to; None: it is in none."""
    fitting = [room for room in MAY_INCLUDE if name.startswith(room + "/")]
    return max(fitting, key=len, default=None)


def is_product(path):
    return path.parts[0] != "tests"


def may_include(path, room):
    """Whether a file may include a room. A test may include what the room that it mirrors may, and that room with all
    below it; one of no room in particular, and those of whole programs, may include everything."""
    if is_product(path):
        owner = room_of(str(path))
        return room == owner or owner.startswith(room + "/") or room in MAY_INCLUDE[owner]
    below = [r for r in MAY_INCLUDE if r == path.parts[1] or r.startswith(path.parts[1] + "/")]
    if not below or path.parts[1] in ("apps", "actors"):
        return True
    return room in below or any(room in MAY_INCLUDE[r] for r in below)


def vendor_of(name):
    """The entry of VENDOR_HOMES that fits a header's name best; None: a vendor of no home."""
    return max((v for v in VENDOR_HOMES if name.startswith(v)), key=len, default=None)


def may_include_vendor(path, homes):
    if is_product(path):
        return room_of(str(path)) in homes
    return any(home.split("/")[0] == path.parts[1] for home in homes)


def without_text(source):
    """The source with comments, strings and character literals blanked out; lines stay where they are."""
    parts = (r"//[^\n]*", r"/\*.*?\*/", r'R"([^(\s]*)\(.*?\)\1"', r'"(?:\\.|[^"\\\n])*"',
             r"(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'")
    pattern = re.compile("|".join(parts), re.DOTALL)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), source)


def check_includes(path, source):
    if is_product(path) and room_of(str(path)) is None:
        yield 1, "the file is in no room: see tests/architecture/rooms.py"
        return
    for number, line in enumerate(source.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        if match.group(1) == "<":
            vendor = vendor_of(name)
            if vendor and not may_include_vendor(path, VENDOR_HOMES[vendor]):
                where = ", ".join(sorted(VENDOR_HOMES[vendor])) or "no room"
                yield number, f"<{name}>: {vendor} belongs to {where}"
            continue
        room = room_of(name)
        if name.startswith("tests/"):
            if is_product(path):
                yield number, f'"{name}": the program may not include its tests'
        elif room is None:
            if is_product(path) or "/" in name:  # a test may name the fixture that lies beside it
                yield number, f'"{name}": name a project header from the root of the tree, like "net/message.hpp"'
        elif not may_include(path, room):
            allowed = ", ".join(sorted(MAY_INCLUDE.get(room_of(str(path)), ()))) or "nothing"
            yield number, f'"{name}": {room_of(str(path)) or path.parent} may include {allowed}'


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


def literals(source):
    """(line, decoded text) of each string literal of one line; longer ones are prose."""
    for match in LITERAL_OR_COMMENT.finditer(source):
        raw, plain = match.group("raw"), match.group("plain")
        text = raw if raw is not None else re.sub(r"\\(.)", r"\1", plain) if plain is not None else None
        if text is not None and "\n" not in text:
            yield source.count("\n", 0, match.start()) + 1, text


def check_json(path, source):
    if not is_product(path) or path.parts[0] == "json":
        return
    for number, text in literals(source):
        if JSON_TEXT.search(text):
            yield number, "JSON written by hand: use json/writer.hpp"


def check_defaults(path, source, keys):
    """A default stands in the table of keys and nowhere else: a struct of options takes it from there."""
    if not is_product(path) or path.suffix != ".hpp" or path.parts[0] in ("config", "bench"):
        return
    members = {key.split(".", 1)[1].replace("-", "_").replace(".", "_") for key in keys}
    struct = ""
    for number, line in enumerate(source.splitlines(), 1):
        struct = (re.match(r"\s*(?:struct|class) (\w+)", line) or [None, "" if line.startswith("}") else struct])[1]
        match = MEMBER.match(line)
        if not match or match.group("value") in ("0", "false", "{}", "nullptr", "none"):
            continue
        of_options = re.search(r"_(options|limits)$", struct) and match.group("name") in members
        if of_options or match.group("key") in keys:
            yield number, f"{match.group('name')} repeats the default of a key: leave it to config/keys.cpp"


def key_names(root):
    table = root / "config" / "keys.cpp"
    text = table.read_text(encoding="utf-8") if table.exists() else ""
    return set(re.findall(r'^\s*{"([a-z0-9-]+\.[a-z0-9.-]+)",', text, re.MULTILINE))


def check_lengths(path, source):
    count = len(source.splitlines())
    if count > FILE_LINES_MAX:
        yield count, f"the file has {count} lines, more than {FILE_LINES_MAX}: split it by concern"
    for begin, end in functions(source):
        if end - begin + 1 > FUNCTION_LINES_MAX:
            what = f"the function has {end - begin + 1} lines, more than {FUNCTION_LINES_MAX}"
            yield begin, f"{what}: it does not fit a screen"


def check_dead(root, sources):
    """Headers that nobody needs, sources that nobody compiles, and pages, plots and modules that nobody names."""
    included = {}
    for path, source in sources.items():
        for line in source.splitlines():
            match = INCLUDE.match(line)
            if match and match.group(1) == '"':
                name = pathlib.Path(match.group(2))
                included.setdefault(name if len(name.parts) > 1 else path.parent / name, set()).add(path)
    for path in sources:
        users = included.get(path, set()) - {path.with_suffix(".cpp")}
        if path.suffix == ".hpp" and not any(is_product(user) or not is_product(path) for user in users):
            who = "only tests include" if users else "nobody includes"
            yield path, f"{who} this header: delete it, or what it declares"
        if path.suffix == ".cpp" and not is_compiled(root, path):
            yield path, "no CMakeLists.txt compiles this file"
    texts = {p: p.read_text(encoding="utf-8") for p in named_files(root)}
    for path in texts:
        needed = path.suffix in (".md", ".svg", ".pml") and path.parts[len(root.parts)] == "docs" or (
            path.suffix == ".py" and not re.match(r"test_|conftest|locustfile", path.name))
        name = path.stem if path.suffix == ".py" else path.name
        if needed and not any(re.search(rf"\b{re.escape(name)}\b", text) for p, text in texts.items() if p != path):
            yield path.relative_to(root), "nothing names this file: delete it, or say where it belongs"


def is_compiled(root, path):
    """Whether the CMakeLists.txt of a folder above names the file, or takes all files of its folder."""
    for folder in path.parents:
        cmake = root / folder / "CMakeLists.txt"
        if not cmake.exists():
            continue
        text = cmake.read_text(encoding="utf-8")
        if str(path.relative_to(folder)) in text or folder == path.parent and re.search(r"beckon_library|GLOB", text):
            return True
        if any(str(path.relative_to(folder)).startswith(f"{tests}/") for tests in re.findall(r"beckon_test\((\w+)", text)
               + re.findall(r"FOLDER ([\w/]+)", text) + re.findall(r"SOURCE_DIR}/(\w+)/\*", text)):
            return True
    return False


def named_files(root):
    for folder in ("docs", "bench", "tests", "script", "deploy", ".ci"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.is_relative_to(root / "bench" / "out"):
                if path.suffix in (".md", ".svg", ".pml", ".py", ".txt", ".cmake", "", ".cpp", ".hpp"):
                    yield path
    yield from root.glob("*.md")


def source_files(root):
    for folder in sorted({room.split("/")[0] for room in MAY_INCLUDE} | {"tests"}):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                yield path.relative_to(root)


def breaches(root):
    """Every breach as text "file:line: what"."""
    root = pathlib.Path(root)
    found = []
    sources = {path: (root / path).read_text(encoding="utf-8") for path in source_files(root)}
    keys = key_names(root)
    for path, source in sources.items():
        for check in (check_includes, check_header, check_lengths, check_json):
            found += [f"{path}:{number}: {what}" for number, what in check(path, source)]
        found += [f"{path}:{number}: {what}" for number, what in check_defaults(path, source, keys)]
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

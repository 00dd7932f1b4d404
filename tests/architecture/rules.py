"""The table of rooms, and the checks that need only the text of a file.
SPDX-License-Identifier: MIT
"""
import re

# Lowest first; a room may include itself and everything its value names, closed over below.
DIRECT = {
    "base": [],
    "context": ["base"],
    "task": ["context"],
    "scheduling": ["task"],
    "coordination": ["scheduling"],
    "io": ["coordination"],
    "tls": ["io"],
    "http": ["io", "tls"],
    "data": ["io"],
    "resilience": ["coordination"],
    "hosting": ["resilience"],
    "web": ["http", "hosting"],
    "testing": ["coordination"],
    "testing_io": ["testing", "io"],
    "interop": ["coordination"],
    "diagnostics": ["web", "data"],
}
# Rooms of tests/ that are no rooms of the library: they may see everything.
TEST_ONLY = {"support", "conformance", "explore", "architecture", "compile_fail", "package", "lint", "sanitizer_plants", "models",
             "interop_asio", "interop_glib", "interop_gtk", "interop_qt"}

# Folders of front doors: include/weft/fs/file.hpp opens include/weft/io/fs/file.hpp.
DOOR_FOLDERS = {"fs", "net", "sync"}

WARN_LINES, FAIL_LINES = 600, 1000
SOURCE_FOLDERS = ["include", "src", "tests", "bench", "examples"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep)\b|(?<![\w.:>])sleep\s*\(")


def allowed_rooms(room):
    """Every room at or below `room`."""
    seen, open_rooms = set(), [room]
    while open_rooms:
        current = open_rooms.pop()
        if current not in seen:
            seen.add(current)
            open_rooms += DIRECT.get(current, [])
    return seen


def without_comments(text):
    """Comments and the contents of strings replaced by blanks, so that line numbers stay."""
    def blank(match):
        token = match[0]
        if token.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def room_of_include(path, root):
    """(room, is_detail) of an include path of ours, or None: weft/task/task.hpp, a front door, or a private io/uring/ring.hpp."""
    parts = path.split("/")
    if parts[0] == "weft":
        if path == "weft/weft.hpp":
            return ("umbrella", False)
        if len(parts) == 2 or parts[1] in DOOR_FOLDERS:
            door = root / "include" / path
            if door.exists():
                for line in door.read_text().splitlines():
                    if (match := INCLUDE.match(line)) and match[2].startswith("weft/"):
                        return room_of_include(match[2], root)
            return None
        return (parts[1], "detail" in parts[2:-1])
    if parts[0] in DIRECT and len(parts) > 1 and (root / "src" / path).exists():
        return (parts[0], False)
    return None


def detail_guests(room, root):
    """Rooms that include/weft/<room>/detail/README.md admits, one `- room` a line."""
    readme = root / "include" / "weft" / room / "detail" / "README.md"
    if not readme.exists():
        return set()
    return {match[1] for line in readme.read_text().splitlines() if (match := re.match(r"^- `?(\w+)`?", line))}


def is_front_door(path):
    parts = path.parts
    return parts[:2] == ("include", "weft") and path.name != "weft.hpp" and (len(parts) == 3 or parts[2] in DOOR_FOLDERS)


def owner(path):
    """(folder, room) of a repository path such as src/io/uring/ring.cpp."""
    parts = path.parts
    if parts[0] == "include" and len(parts) > 3:
        return ("include", parts[2])
    if parts[0] in ("src", "tests") and len(parts) > 2:
        return (parts[0], parts[1])
    return (parts[0], None)


def check_includes(path, text, root):
    folder, room = owner(path)
    if folder not in ("include", "src", "tests") or room is None or is_front_door(path):
        return
    if room in TEST_ONLY:
        return
    if room not in DIRECT:
        yield f"{path}: '{room}' is no room of the house (tests/architecture/rules.py lists them)"
        return
    allowed = allowed_rooms(room)
    if folder == "tests":
        allowed = allowed | {"testing", "umbrella"} | allowed_rooms("testing")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = room_of_include(match[2], root)
        if target:
            wanted, is_detail = target
            if wanted not in allowed:
                yield f"{path}:{number}: '{room}' includes '{match[2]}', but '{wanted}' is not below it"
            elif is_detail and wanted != room and room not in detail_guests(wanted, root) and folder != "tests":
                yield (f"{path}:{number}: '{match[2]}' is private to '{wanted}'; "
                       f"include/weft/{wanted}/detail/README.md does not admit '{room}'")
        elif folder == "include" and room != "interop":
            name = match[2]
            if name in ("iostream", "regex") or (name == "filesystem" and "fs" not in path.parts):
                yield f"{path}:{number}: a public header may not include <{name}>"
            elif match[1] == "<" and ("/" in name or "." in name):
                yield f"{path}:{number}: a public header may not include <{name}>: hide it in src/{room}"


def check_size(path, text):
    lines = text.count("\n")
    if lines > FAIL_LINES:
        yield ("error", f"{path}: {lines} lines; split it by concept (limit {FAIL_LINES})")
    elif lines > WARN_LINES:
        yield ("warning", f"{path}: {lines} lines; {WARN_LINES} are the goal")


def check_front_door(path, text):
    if not is_front_door(path):
        return
    code = [line for line in text.splitlines() if line.strip() and not line.startswith("//") and line != "#pragma once"]
    if len(code) != 1 or not code[0].startswith('#include "weft/'):
        yield f"{path}: a front door is one #include line, this one has {len(code)} lines of code"


def check_head(path, text):
    if is_front_door(path):
        return
    head = "\n".join(text.splitlines()[:60])
    if "SPDX-License-Identifier: MIT" not in head:
        yield f"{path}: the first comment does not end with 'SPDX-License-Identifier: MIT'"
    if path.parts[0] == "include":
        lines = text.splitlines()
        if not lines or lines[0] != "#pragma once":
            yield f"{path}: the first line is not '#pragma once'"
        name = "/".join(path.parts[1:])
        if len(lines) < 2 or not lines[1].startswith(f"// <{name}>: "):
            yield f"{path}: the second line does not begin with '// <{name}>: '"


def check_words(path, text):
    """Marks of unfinished work, and paths that only exist where the authors work."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield f"{path}:{number}: no unfinished marks: a known limit is an issue or an entry of docs/differences.md"
        if re.search(r"/wor[k]/|\.\./share[d]\b", line):
            yield f"{path}:{number}: names a path outside the repository"


def check_sleeping(path, code):
    if path.parts[0] != "tests" or path.name.endswith("_stress_test.cpp") or path.name.startswith("eventually."):
        return
    for number, line in enumerate(code.splitlines(), 1):
        if SLEEP.search(line):
            yield f"{path}:{number}: a test may not sleep; use virtual time, or eventually() for real I/O"


def check_options(path, code):
    if path.parts[0] != "include":
        return
    squeezed = re.sub(r"\s+", "", code)
    for match in re.finditer(r"\bstruct\s+(?:\[\[[^\]]*\]\]\s*)?(\w*options)\s*(?:final\s*)?\{", code):
        if f"is_trivially_destructible_v<{match[1]}>" not in squeezed:
            yield (f"{path}: '{match[1]}' lacks 'static_assert(std::is_trivially_destructible_v<{match[1]}>)': "
                   "GCC 12 destroys a braced options argument twice")


def check_test_names(path, root):
    if path.parts[0] == "tests" and len(path.parts) == 3 and path.suffix == ".cpp" and path.parts[1] not in TEST_ONLY:
        if not path.stem.endswith("_test"):
            yield f"{path}: a source of a test program is named <concept>_test.cpp, _explore_test.cpp or _stress_test.cpp"


def check_version(root):
    config = root / "include/weft/base/config.hpp"
    if not config.exists():
        return
    numbers = [re.search(rf"#define\s+WEFT_VERSION_{part}\s+(\d+)", config.read_text()) for part in ("MAJOR", "MINOR", "PATCH")]
    build = re.search(r"project\(weft VERSION (\d+\.\d+\.\d+)", (root / "CMakeLists.txt").read_text())
    if all(numbers) and build and ".".join(number[1] for number in numbers) != build[1]:
        yield f"CMakeLists.txt says version {build[1]}, include/weft/base/config.hpp {'.'.join(number[1] for number in numbers)}"


def sources(root):
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp") and path.is_file():
                yield path.relative_to(root)


def check_umbrella(root):
    """weft.hpp opens every front door of floors 0 to 4, and no other."""
    umbrella = root / "include" / "weft" / "weft.hpp"
    shown = {match[2] for line in umbrella.read_text().splitlines() if (match := INCLUDE.match(line))} if umbrella.exists() else set()
    core = allowed_rooms("coordination")
    doors = set()
    for path in (root / "include" / "weft").rglob("*.hpp"):
        relative = path.relative_to(root)
        if is_front_door(relative):
            name = "/".join(relative.parts[1:])
            target = room_of_include(name, root)
            if target and target[0] in core:
                doors.add(name)
    for name in sorted(doors - shown):
        yield f"include/weft/weft.hpp: does not include '{name}'"
    for name in sorted(shown - doors):
        yield f"include/weft/weft.hpp: '{name}' is no front door of floors 0 to 4"

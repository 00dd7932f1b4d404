#!/usr/bin/env python3
"""Checks what keeps the house tidy: include rules, self-contained headers, sizes, names, no sleeping tests.

    check.py [--compilers clang++-19,g++-12] [--no-headers] [--update]

--update rewrites docs/reference/names.txt, the list of public names, so that a change of the interface shows in the diff.
SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import difflib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import names  # noqa: E402
import rules  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
         "-Werror"]


def text_checks():
    errors, warnings = [*rules.check_version(ROOT), *rules.check_umbrella(ROOT)], []
    for path in rules.sources(ROOT):
        text = (ROOT / path).read_text(errors="replace")
        code = rules.without_comments(text)
        errors += rules.check_includes(path, text, ROOT)
        errors += rules.check_front_door(path, text)
        errors += rules.check_head(path, text)
        errors += rules.check_words(path, text)
        errors += rules.check_sleeping(path, code)
        errors += rules.check_options(path, code)
        errors += rules.check_test_names(path, ROOT)
        for kind, message in rules.check_size(path, text):
            (errors if kind == "error" else warnings).append(message)
    return errors, warnings


def readme_check():
    """README's program is an example, so that it is compiled and run."""
    example = ROOT / "examples" / "readme" / "main.cpp"
    if not example.exists():
        return ["README.md: its program is missing in examples/readme/main.cpp"]
    shown = (ROOT / "README.md").read_text().split("```cpp\n")[1].split("```")[0]
    code = "\n".join(line for line in example.read_text().splitlines() if not line.startswith("//"))
    if shown.split() != code.split():
        return ["README.md and examples/readme/main.cpp differ; the program is the same in both"]
    return []


# What a header of the interop room needs beside us; without its library it is not compiled.
MODULES = {"weft/interop/qt.hpp": ["Qt6Core"], "weft/interop/glib.hpp": ["glib-2.0", "gobject-2.0"]}


def flags_of_modules(header):
    """The compiler flags for the library that `header` joins us to; None when it is absent."""
    if header not in MODULES:
        return []
    found = subprocess.run(["pkg-config", "--cflags", *MODULES[header]], capture_output=True, text=True)
    flags = found.stdout.split()
    return None if found.returncode else [f"-isystem{flag[2:]}" if flag.startswith("-I") else flag for flag in flags]


def compile_alone(compiler, version, header, closures, stamps):
    """Compiles a translation unit of one line; remembers success by the contents of everything it includes."""
    digest = hashlib.sha256(f"{version} {FLAGS}".encode())
    for part in sorted(closures[header]):
        file = ROOT / "include" / part
        digest.update(part.encode() + (file.read_bytes() if file.exists() else b"missing"))
    stamp = stamps / digest.hexdigest()
    if stamp.exists():
        return None
    modules = flags_of_modules(header)
    if modules is None:
        return None
    source = f'#include "{header}"\n'
    extra = ["-Wno-mismatched-new-delete"] if "g++" in compiler and "clang" not in compiler else []
    result = subprocess.run([compiler, *FLAGS, *extra, *modules, f"-I{ROOT / 'include'}", "-x", "c++", "-"], input=source, text=True,
                            capture_output=True)
    if result.returncode == 0:
        stamp.touch()
        return None
    first = "\n    ".join(result.stderr.splitlines()[:12])
    return f"{header}: does not compile alone with {compiler}:\n    {first}"


def header_checks(compilers):
    headers = sorted(str(path.relative_to(ROOT / "include")) for path in (ROOT / "include").rglob("*.hpp"))
    stamps = ROOT / "build" / "architecture"
    stamps.mkdir(parents=True, exist_ok=True)
    closures = {header: transitive(header) for header in headers}
    errors, jobs = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for compiler in compilers:
            if not shutil.which(compiler):
                errors.append(f"the compiler '{compiler}' is not installed; run scripts/setup")
                continue
            version = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
            jobs += [pool.submit(compile_alone, compiler, version, header, closures, stamps) for header in headers]
        errors += [message for job in jobs if (message := job.result())]
    return errors, len(headers)


def transitive(header):
    """What `header` includes of ours, cycles and all."""
    reached, waiting = set(), [header]
    while waiting:
        current = waiting.pop()
        if current in reached:
            continue
        reached.add(current)
        file = ROOT / "include" / current
        if file.exists():
            for line in file.read_text().splitlines():
                match = rules.INCLUDE.match(line)
                if match and match[2].startswith("weft/"):
                    waiting.append(match[2])
    return reached


def name_checks(update):
    listing = ROOT / "docs" / "reference" / "names.txt"
    fresh = [name + "\n" for name in names.public_names(ROOT)]
    if update:
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text("".join(fresh))
        print(f"architecture: wrote {len(fresh)} names to {listing.relative_to(ROOT)}")
        return []
    known = listing.read_text().splitlines(keepends=True) if listing.exists() else []
    if known == fresh:
        return []
    difference = "".join("    " + line for line in difflib.unified_diff(known, fresh, "names.txt", "headers", n=0))
    return [f"the public names changed; if that is meant, run tests/architecture/check.py --update and commit:\n{difference}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compilers", default="clang++-19")
    parser.add_argument("--no-headers", action="store_true", help="leave out compiling each header alone")
    parser.add_argument("--update", action="store_true", help="rewrite docs/reference/names.txt")
    arguments = parser.parse_args()

    errors, warnings = text_checks()
    errors += readme_check()
    errors += name_checks(arguments.update)
    count = 0
    if not arguments.no_headers:
        more, count = header_checks(arguments.compilers.split(","))
        errors += more
    for message in warnings:
        print(f"architecture: warning: {message}")
    for message in errors:
        print(f"architecture: {message}")
    print(f"architecture: {len(errors)} errors, {len(warnings)} warnings; {count} headers compiled alone "
          f"with {arguments.compilers}")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()

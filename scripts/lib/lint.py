#!/usr/bin/env python3
"""Finds coroutine code that GCC 12 miscompiles, and lambda coroutines that outlive their captures.

    lint.py [-p BUILD_DIR] [-I DIR]... [--cache DIR] FILES

Runs clang-query-19 with gcc12_patterns.query on each file; a finding is `file:line:column: rule: what to write instead`.
-p takes the flags from BUILD_DIR/compile_commands.json; without it C++20 and the given include folders are used.
SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUERY = HERE / "gcc12_patterns.query"
ADVICE = {
    "braced-array": "GCC 12 does not compile a braced list in an awaiting expression; name the vector or list first",
    "aggregate-of-awaits": "GCC 12 destroys the members twice; await into named locals first",
    "closure-temporary": "GCC 12 destroys the captures twice; name the closure or the task first, or pass values as arguments",
    "aggregate-temporary": "GCC 12 destroys this aggregate twice; name it first, or give the type a constructor",
    "class-conditional": "GCC 12 destroys the result of ?: twice; use if/else, or choose in a statement of its own",
    "short-circuit": "GCC 12 awaits even when the left side decides; await in a statement of its own",
    "condition-without-local": "GCC 12 shifts the frame of a coroutine without any local; name the awaited result first",
    "bare-lambda-coroutine": "the captures die at the end of this statement, the coroutine runs on; name the lambda and keep it, "
                             "or pass values as parameters",
}
PRIORITY = list(ADVICE)
NOTE = re.compile(r'^(.+?):(\d+):(\d+): note: "([\w-]+)" binds here')
COROUTINE = re.compile(r"\bco_(await|yield|return)\b")


def dependencies_digest(path, flags):
    """The content of a file and of every project file it includes, as far as the preprocessor would find it."""
    folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
    digest, seen, waiting = hashlib.sha256(QUERY.read_bytes() + " ".join(flags).encode()), set(), [path.resolve()]
    while waiting:
        current = waiting.pop()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        text = current.read_text(errors="replace")
        digest.update(str(current).encode() + text.encode())
        for name in re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', text, re.M):
            for folder in [current.parent, *folders]:
                candidate = folder / name
                if candidate.is_file():
                    waiting.append(candidate.resolve())
                    break
    return digest.hexdigest()


def query(path, flags, build, cache):
    """(findings, error) of one file."""
    stamp = cache / dependencies_digest(path, flags) if cache and not build else None
    if stamp and stamp.exists():
        return [tuple(item) for item in json.loads(stamp.read_text())], None
    command = ["clang-query-19", "-f", str(QUERY), str(path)]
    if build:
        command += ["-p", str(build), "--extra-arg=-Wno-everything", "--extra-arg=-Wno-unknown-warning-option"]
    else:
        command += ["--", "-xc++", "-std=c++20", "-w", *flags]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    output = result.stdout + result.stderr
    problem = next((line for line in output.splitlines() if re.search(r"\berror: |Error parsing|Matcher not found|Incorrect type", line)),
                   None)
    if problem or result.returncode != 0:
        return [], f"{path}: cannot be read by clang: {problem or output[-300:]}"
    found, fine = {}, set()
    for line in output.splitlines():
        if not (match := NOTE.match(line)):
            continue
        place, rule = (str(Path(match[1]).resolve()), int(match[2]), int(match[3])), match[4]
        if rule.startswith("ok-"):
            fine.add((place, rule[3:]))
        elif rule in ADVICE:
            found.setdefault(place, set()).add(rule)
    findings = []
    for place, matched in found.items():
        left = [rule for rule in PRIORITY if rule in matched and (place, rule) not in fine]
        if left:
            findings.append((*place, left[0]))
    if stamp:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(findings))
    return findings, None


def lint(files, flags, build=None, cache=None):
    """(sorted findings, errors); a rule is said once a line, however many columns it matches in."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda path: query(path, flags, build, cache), files))
    lines = {}
    for findings, _ in outcomes:
        for file, line, column, rule in findings:
            lines[(file, line, rule)] = min(column, lines.get((file, line, rule), column))
    findings = sorted((file, line, column, rule) for (file, line, rule), column in lines.items())
    return findings, [error for _, error in outcomes if error]


def main():
    parser = argparse.ArgumentParser(description="Finds coroutine code that GCC 12 miscompiles.")
    parser.add_argument("-p", dest="build", type=Path, help="folder with compile_commands.json")
    parser.add_argument("-I", dest="include", action="append", default=[])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    if not shutil.which("clang-query-19"):
        sys.exit("lint: clang-query-19 is not installed; run scripts/setup lint")
    missing = [str(path) for path in arguments.files if not path.is_file()]
    if missing:
        sys.exit(f"lint: no such file: '{missing[0]}'")
    # A file without a coroutine of its own has nothing to find; its headers are seen through those that have.
    files = [path for path in arguments.files if COROUTINE.search(path.read_text(errors="replace"))]
    findings, errors = lint(files, [f"-I{folder}" for folder in arguments.include], arguments.build, arguments.cache)
    for file, line, column, rule in findings:
        print(f"{os.path.relpath(file)}:{line}:{column}: {rule}: {ADVICE[rule]}")
    for error in errors:
        print(f"lint: {error}")
    print(f"lint: {len(findings)} findings in {len(files)} files with coroutines")
    sys.exit(1 if findings or errors else 0)


if __name__ == "__main__":
    main()

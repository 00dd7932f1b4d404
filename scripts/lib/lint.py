#!/usr/bin/env python3
"""Finds coroutine code that GCC 12 miscompiles, and lambda coroutines that outlive their captures.

    lint.py [-p BUILD_DIR] [-I DIR]... [--cache DIR] FILES

Runs clang-query-19 with gcc12_patterns.query on the files, several at a time; a finding is `file:line:column: rule: what to write instead`.
-p takes the flags from BUILD_DIR/compile_commands.json; without it C++20 and the given include folders are used.
SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
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
# Most of the time goes into the headers, which the files of a batch read once.
BATCH = 10
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
NOTE = re.compile(r'^(.+?):(\d+):(\d+): note: "([\w-]+)" binds here')
COROUTINE = re.compile(r"\bco_(await|yield|return)\b")


def dependencies_digest(path, flags):
    """The content of a file and of every project file it includes, as far as the preprocessor would find it."""
    folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
    digest, seen, waiting = hashlib.sha256(Path(__file__).read_bytes() + QUERY.read_bytes() + " ".join(flags).encode()), set(), [path.resolve()]
    while waiting:
        current = waiting.pop()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        text = current.read_text(errors="replace")
        digest.update(str(current).encode() + text.encode())
        for _, name in INCLUDE.findall(text):
            for folder in [current.parent, *folders]:
                candidate = folder / name
                if candidate.is_file():
                    waiting.append(candidate.resolve())
                    break
    return digest.hexdigest()


def notes(path, flags, build):
    """(findings, error, files with errors) of one translation unit."""
    command = ["clang-query-19", "-f", str(QUERY), str(path)]
    if build:
        command += ["-p", str(build), "--extra-arg=-Wno-everything", "--extra-arg=-Wno-unknown-warning-option"]
    else:
        command += ["--", "-xc++", "-std=c++20", "-w", "-ferror-limit=0", *flags]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    output = result.stdout + result.stderr
    problem = next((line for line in output.splitlines() if re.search(r"\berror: |Error parsing|Matcher not found|Incorrect type", line)),
                   None)
    if problem or result.returncode != 0:
        guilty = {Path(name).resolve() for name in re.findall(r"^(.+?):\d+:\d+: (?:fatal )?error: ", output, re.M)}
        return [], f"{path}: cannot be read by clang: {problem or output[-300:]}", guilty
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
    return findings, None, set()


def unit_of(batch):
    """One translation unit of several files: their headers, which guard themselves, then each file in a namespace of its own."""
    lines, seen = [], set()
    for path in batch:
        for opening, name in INCLUDE.findall(path.read_text(errors="replace")):
            beside = path.parent / name
            wanted = f'"{beside.resolve()}"' if opening == '"' and beside.is_file() else {'"': f'"{name}"', "<": f"<{name}>"}[opening]
            if wanted not in seen:
                seen.add(wanted)
                lines.append(f"#include {wanted}")
    for number, path in enumerate(batch):
        include = f'#include "{path.resolve()}"'
        lines += [include] if opens_namespace(path) else [f"namespace lint_{number} {{", include, "}"]
    return "\n".join(lines) + "\n"


def opens_namespace(path):
    """A file whose code belongs into a namespace with a name cannot be put into another."""
    return re.search(r"^namespace \w", path.read_text(errors="replace"), re.M) is not None


def has_macros(path):
    """A file whose macros could change what the next one says."""
    return re.search(r"^\s*#\s*(define|undef)\b", path.read_text(errors="replace"), re.M) is not None


def batches_of(files):
    """Files that can be read together, those of a folder side by side because they share headers."""
    batches = [[path] for path in files if has_macros(path)]
    for named in (True, False):
        alike = [path for path in files if not has_macros(path) and opens_namespace(path) == named]
        batches += [alike[start:start + BATCH] for start in range(0, len(alike), BATCH)]
    return batches


def query(batch, flags, build):
    """(findings, errors) of some files: together, and alone those that do not go together with the others."""
    together, alone, findings, errors = list(batch), [], [], []
    while len(together) > 1 and not build:
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as unit:
            unit.write(unit_of(together))
            unit.flush()
            findings, error, guilty = notes(unit.name, flags, None)
        if not error:
            together = []
            break
        apart = [path for path in together if path.resolve() in guilty]
        alone += apart or together
        together = [path for path in together if path not in alone]
    for path in alone + together:
        more, error, _ = notes(path, flags, build)
        findings += more
        errors += [error] if error else []
    return findings, errors


def lint(files, flags, build=None, cache=None):
    """(sorted findings, errors); a rule is said once a line, however many columns it matches in."""
    stamps = {path: cache / dependencies_digest(path, flags) for path in files} if cache and not build else {}
    files = [path for path in files if path not in stamps or not stamps[path].exists()]
    batches = batches_of(files)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda batch: query(batch, flags, build), batches))
    lines, errors = {}, []
    for batch, (findings, problems) in zip(batches, outcomes):
        errors += problems
        for file, line, column, rule in findings:
            lines[(file, line, rule)] = min(column, lines.get((file, line, rule), column))
        # Only what is clean is remembered.
        for path in batch if stamps and not findings and not problems else []:
            stamps[path].parent.mkdir(parents=True, exist_ok=True)
            stamps[path].touch()
    return sorted((file, line, column, rule) for (file, line, rule), column in lines.items()), errors


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

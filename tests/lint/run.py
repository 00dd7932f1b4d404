#!/usr/bin/env python3
"""Checks the lint on its examples: every marked line of bad/ is reported with its rule, and nothing else is.

    run.py               with clang-query
    run.py --gcc g++-12  shows instead that the examples are right: bad ones fail under GCC 12, good ones pass

A line `// lint: rule` marks what must be reported; `// gcc12: fails` or `// gcc12: refuses` says what GCC 12 does.
SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts" / "lib"))
import lint  # noqa: E402


def check_reports():
    files = sorted(HERE.glob("bad/*.cpp")) + sorted(HERE.glob("good/*.cpp"))
    wanted = set()
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := re.search(r"// lint: ([\w-]+)", line):
                wanted.add((str(path), number, match[1]))
    findings, problems = lint.lint(files, [])
    found = {(file, line, rule) for file, line, _, rule in findings}
    for file, line, rule in sorted(wanted - found):
        problems.append(f"{os.path.relpath(file)}:{line}: '{rule}' was not reported")
    for file, line, rule in sorted(found - wanted):
        problems.append(f"{os.path.relpath(file)}:{line}: '{rule}' was reported without reason")
    unused = set(lint.ADVICE) - {rule for _, _, rule in wanted}
    problems += [f"no example shows '{rule}'" for rule in sorted(unused)]
    return problems, f"{len(wanted)} marked lines in {len(files)} examples"


def run_with_gcc(compiler, path, folder):
    program = Path(folder) / f"{path.parent.name}_{path.stem}"
    built = subprocess.run([compiler, "-std=c++20", "-O0", "-fsanitize=address", "-w", str(path), "-o", str(program)],
                           capture_output=True, text=True)
    if built.returncode != 0:
        return "refuses"
    result = subprocess.run([str(program)], capture_output=True, text=True, timeout=60,
                            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    return "fails" if result.returncode != 0 else "passes"


def check_with_gcc(compiler):
    problems, files = [], sorted(HERE.glob("bad/*.cpp")) + sorted(HERE.glob("good/*.cpp"))
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda path: run_with_gcc(compiler, path, folder), files)
        for path, outcome in zip(files, outcomes):
            match = re.search(r"^// gcc12: (\w+)", path.read_text(), re.M)
            wanted = match[1] if match else "passes"
            if outcome != wanted:
                problems.append(f"{os.path.relpath(path)}: {compiler} {outcome} it, expected was '{wanted}'")
    return problems, f"{len(files)} examples with {compiler}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gcc")
    arguments = parser.parse_args()
    problems, summary = check_with_gcc(arguments.gcc) if arguments.gcc else check_reports()
    for problem in problems:
        print(problem)
    print(f"lint examples: {len(problems)} problems; {summary}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

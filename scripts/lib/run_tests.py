#!/usr/bin/env python3
"""Runs the tests of one build tree and sums their results.

    run_tests.py BUILD [--filter REGEX] [--room NAME]... [--summary FILE] [--only-gtest]

ctest knows the programs, their environment and time limits; this script runs them one after the other, because many of
them measure time or fill every core, writes BUILD/test-<name>.log, and prints the part of a log that failed. A program with the
label virtual_time runs in as many parts at once as there are cores, test-<name>.<part>.log.
SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

RUN = re.compile(r"^\[ RUN      \] (\S+)")
PASSED = re.compile(r"^\[       OK \] (\S+)")
FAILED = re.compile(r"^\[  FAILED  \] (\S+).*\(\d+ ms\)$")
SKIPPED = re.compile(r"^\[  SKIPPED \] (\S+).*\(\d+ ms\)$")
DURATION = re.compile(r"^\[       OK \] (\S+) \((\d+) ms\)$")


def discover(build):
    listing = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"], capture_output=True, text=True)
    if listing.returncode != 0:
        sys.exit(f"run_tests: ctest cannot list '{build}':\n{listing.stderr}")
    tests = []
    for test in json.loads(listing.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        environment = dict(item.split("=", 1) for item in properties.get("ENVIRONMENT", []))
        tests.append({
            "name": test["name"],
            "command": test.get("command"),
            "environment": environment,
            "timeout": float(properties.get("TIMEOUT", 600)),
            "labels": properties.get("LABELS", []),
        })
    return tests


def matching_cases(command, pattern):
    """The cases of a GoogleTest program whose full name matches, in GoogleTest's filter syntax."""
    listing = subprocess.run(command + ["--gtest_list_tests"], capture_output=True, text=True, timeout=60)
    suite, names = "", []
    for line in listing.stdout.splitlines():
        text = line.split("#")[0].rstrip()
        if not text:
            continue
        if text.startswith("  "):
            name = suite + text.strip()
            if pattern.search(name):
                names.append(name)
        elif text.endswith("."):
            suite = text
    return names


def failing_part(log, limit=80):
    """What a reader needs first: from the start of each failing case to its end, or the tail of a log without cases."""
    lines = log.splitlines()
    chosen, start, open_case = [], 0, False
    for index, line in enumerate(lines):
        if RUN.match(line):
            start, open_case = index, True
        elif FAILED.match(line):
            chosen += lines[start:index + 1]
            open_case = False
        elif PASSED.match(line) or SKIPPED.match(line):
            open_case = False
    if open_case:
        chosen += lines[start:]
    if not chosen:
        chosen = lines[-limit:]
    if len(chosen) > 2 * limit:
        chosen = chosen[:limit] + [f"... {len(chosen) - 2 * limit} lines left out ..."] + chosen[-limit:]
    return "\n".join("    " + line for line in chosen)


def start(command, environment, build, log_path):
    with open(log_path, "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=build,
                                start_new_session=True)


def wait(process, deadline):
    """The exit code; None when the time was over."""
    try:
        return process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        # SIGABRT first, so that a program with a handler can say where its tasks wait.
        os.killpg(process.pid, signal.SIGABRT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return None


def count_cases(text, name, result):
    """Adds the cases of one log to `result`; returns the case that was not over when the log ended."""
    running = None
    for line in text.splitlines():
        if match := RUN.match(line):
            running = match[1]
        elif match := PASSED.match(line):
            result["passed"] += 1
            running = None
            if slow := DURATION.match(line):
                result["slow"].append((int(slow[2]), f"{name}: {slow[1]}"))
        elif match := FAILED.match(line):
            result["failed"] += 1
            result["guilty"].append(match[1])
            running = None
        elif SKIPPED.match(line):
            result["skipped"] += 1
            running = None
    return running


def verdict_of(code, running, timeout):
    if code == 0 and not running:
        return ""
    if code == 0:
        verdict = "ended"
    elif code is None:
        verdict = f"still running after {timeout:.0f} s"
    elif code < 0:
        verdict = f"ended by {signal.Signals(-code).name}"
    else:
        verdict = f"exit code {code}"
    return verdict + (f" in {running}" if running else "")


def judge(log, code, test, is_gtest, result):
    """Adds what one process did to `result`; returns what is wrong with it, or nothing."""
    failed_before = result["failed"]
    running = count_cases(log.read_text(errors="replace"), test["name"], result)
    if not is_gtest and code != 0:
        result["failed"] = 1
    elif is_gtest and (running or (code != 0 and result["failed"] == failed_before)):
        # The program ended inside a case, or failed although every case passed (a leak found at exit).
        result["failed"] += 1
    if running:
        result["guilty"].append(running)
    return verdict_of(code, running, test["timeout"])


def narrow(test, pattern, is_gtest, environment):
    """Leaves the cases that match; returns whether there are any."""
    if not is_gtest:
        return pattern.search(test["name"]) is not None
    names = matching_cases(test["command"], pattern)
    environment["GTEST_FILTER"] = ":".join(names)
    return bool(names)


def run(test, build, pattern):
    result = {"name": test["name"], "passed": 0, "failed": 0, "skipped": 0, "seconds": 0.0, "slow": [], "guilty": []}
    if not test["command"] or not os.access(test["command"][0], os.X_OK):
        print(f"  {test['name']}: FAILED, its program was not built")
        result["failed"] = 1
        return result
    command, environment = list(test["command"]), dict(os.environ, **test["environment"])
    is_gtest = "room" in test["labels"]
    if pattern and not narrow(test, pattern, is_gtest, environment):
        return None
    if is_gtest:
        command.append("--gtest_color=no")

    # What runs in virtual time does not mind company: its cases are divided among the cores.
    shards = os.cpu_count() if "virtual_time" in test["labels"] else 1
    logs = [build / (f"test-{test['name']}.log" if shards == 1 else f"test-{test['name']}.{shard}.log") for shard in range(shards)]
    begin = time.monotonic()
    processes = [start(command, dict(environment, GTEST_TOTAL_SHARDS=str(shards), GTEST_SHARD_INDEX=str(shard)), build, log)
                 for shard, log in enumerate(logs)]
    codes = [wait(process, begin + test["timeout"]) for process in processes]
    result["seconds"] = time.monotonic() - begin

    verdicts = [judge(log, code, test, is_gtest, result) for log, code in zip(logs, codes)]
    if not is_gtest and not result["failed"]:
        result["passed"] = 1
    if is_gtest and not any(verdicts) and not pattern and result["passed"] + result["skipped"] == 0:
        result["failed"], verdicts[0] = 1, "ran no test"

    state = "ok" if not result["failed"] else f"FAILED ({', '.join(filter(None, verdicts))})"
    skipped = f", {result['skipped']} skipped" if result["skipped"] else ""
    print(f"  {test['name']}: {result['passed']} passed, {result['failed']} failed{skipped}, "
          f"{result['seconds']:.1f} s  {state}", flush=True)
    for log, verdict in zip(logs, verdicts):
        if verdict:
            print(f"    --- {log}\n{failing_part(log.read_text(errors='replace'))}\n    ---", flush=True)
    return result


def guilty_of(results, build):
    """What failed, as further words of the summary's line: the end of a long log is all that some readers get."""
    names = [f"{build}:{result['name']}" + (f":{case}" if case else "")
             for result in results if result["failed"] for case in result["guilty"] or [""]]
    return "".join(" " + name for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--filter", default="")
    parser.add_argument("--room", action="append", default=[])
    parser.add_argument("--summary", type=Path)
    arguments = parser.parse_args()
    try:
        pattern = re.compile(arguments.filter) if arguments.filter else None
    except re.error as error:
        sys.exit(f"run_tests: '{arguments.filter}' is not a regular expression: {error}")

    build = arguments.build.resolve()
    results = []
    for test in discover(build):
        if arguments.room and not set(arguments.room) & set(test["labels"] + [test["name"]]):
            continue
        outcome = run(test, build, pattern)
        if outcome:
            results.append(outcome)
    if pattern and not results:
        print(f"  no test matches '{arguments.filter}'")

    passed = sum(result["passed"] for result in results)
    failed = sum(result["failed"] for result in results) + (1 if pattern and not results else 0)
    slow = sorted((item for result in results for item in result["slow"]), reverse=True)[:5]
    if slow and slow[0][0] >= 2000:
        print("  slowest: " + ", ".join(f"{name} {duration / 1000:.1f} s" for duration, name in slow))
    if arguments.summary:
        arguments.summary.parent.mkdir(parents=True, exist_ok=True)
        with open(arguments.summary, "a") as out:
            out.write(f"{passed} {failed}{guilty_of(results, build.name)}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""Every benchmark, or those named: `python -m bench [--json] [--save] [NAME ...]`.

A benchmark is one module of this package with `main(argv) -> int` that prints a Report. Each runs in a
process of its own, so that none warms up the next. `--save` writes bench/results/NAME.json with the machine
that it ran on.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

from bench._folder import end_in_order
from bench._machine import this_machine
from bench._report import Report

_HERE = Path(__file__).resolve().parent


def benchmarks() -> list[str]:
    """Return the names of all benchmarks, in order."""
    return sorted(module.name for module in pkgutil.iter_modules([str(_HERE)]) if module.name[0] != "_")


def run(name: str) -> Report:
    """Run one benchmark in a process of its own; raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", f"bench.{name}", "--json"]
    with subprocess.Popen(command, cwd=_HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            told, _ = process.communicate()
        finally:
            # Whoever ends this process ends the benchmark, which stops its servers and clears up.
            process.terminate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Report.from_json(told.splitlines()[-1])


def main(argv: list[str]) -> int:
    """Run what argv names; returns 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Sparge's benchmarks")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(benchmarks()) or 'none yet'}"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a benchmark")
    parser.add_argument("--save", action="store_true", help="write bench/results/NAME.json")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.names) - set(benchmarks()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    end_in_order()
    machine = this_machine()
    failed = []
    for name in arguments.names or benchmarks():
        try:
            report = run(name)
        except (subprocess.CalledProcessError, ValueError, IndexError) as error:
            failed.append(name)
            print(f"{name} failed: {error}", file=sys.stderr)
            continue
        result = {**json.loads(report.as_json()), "machine": machine.as_dict()}
        print(json.dumps(result) if arguments.json else report.as_table())
        if arguments.save:
            results = _HERE / "results"
            results.mkdir(exist_ok=True)
            (results / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

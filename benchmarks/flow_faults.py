"""`python -m benchmarks.flow_faults`: the flow between faulty proxies, a hundred seeded runs on real servers.

Each run is a whole process on a real Prefect server and a real BigQuery emulator. Before both stand proxies
that refuse (503, 429, 403), cut connections, answer late, refuse old tokens and are away for up to a minute.
Every fourth is started as a worker starts a scheduled run. After these, twenty runs are killed (`kill -9`) at
some moment and resumed. Exit code 1 if a run did not end, ended without a clear error, left a table half
written, or left Prefect with another story than the exit code's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.flows import faulty_runs
from tests.flows.faulty_runs import Lane, Run

OUTAGES = (5.0, 20.0, 60.0)


def work(lane: Lane, seeds: SimpleQueue[int], done: list[Run], until: float, kills: bool) -> None:
    """Run or kill seeds on one lane until none is left or the time is over."""
    printing = threading.Lock()
    while not seeds.empty() and time.monotonic() < until:
        seed = seeds.get()
        run = lane.kill(seed) if kills else lane.run(seed, OUTAGES)
        done.append(run)
        with printing:
            print(faulty_runs.line(run), flush=True)
            if run.wrong:
                print("\n".join(f"    {line}" for line in run.output.splitlines()[-25:]), flush=True)


def summary(what: str, done: list[Run]) -> str:
    """Count runs, exit codes, faults or outcomes, and what was wrong."""
    codes = Counter(str(run.code) for run in done)
    faults: Counter[str] = sum((run.faults for run in done), Counter())
    wrong = Counter(reason for run in done for reason in run.wrong)
    bad = sorted(run.seed for run in done if run.wrong)
    return "\n".join(
        [
            f"\n{len(done)} {what}; exit codes {dict(sorted(codes.items()))}",
            f"of them {dict(sorted(faults.items()))}",
            f"wrong in {len(bad)} runs, seeds {bad}: {dict(wrong)}" if bad else "nothing was wrong",
        ]
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow_faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed; one run per seed")
    parser.add_argument(
        "--lanes", type=int, default=2, help="runs at the same time, each with its own target"
    )
    parser.add_argument("--minutes", type=float, default=120, help="no run is started after this time")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    wrong = False
    with tempfile.TemporaryDirectory() as root, faulty_runs.lanes(Path(root), options.lanes) as lanes:
        print("the servers run", flush=True)
        for what, number in (("runs", options.runs), ("kills", options.kills)):
            seeds: SimpleQueue[int] = SimpleQueue()
            for seed in range(options.first, options.first + number):
                seeds.put(seed)
            done: list[Run] = []
            with ThreadPoolExecutor() as pool:
                kills = what == "kills"
                for ended in [pool.submit(work, lane, seeds, done, until, kills) for lane in lanes]:
                    ended.result()
            print(summary(what, done))
            if len(done) < number:
                print(f"{number - len(done)} of {number} {what} were not started in time")
            wrong = wrong or any(run.wrong for run in done)
    sys.exit(wrong)


if __name__ == "__main__":
    main()

"""`make fuzz`: requests by the ten thousand; the last line has the counts, the exit status says whether all is well."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from tests.faults.fuzz.judging import Judge
from tests.faults.fuzz.running import parts, work


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    started = time.monotonic()
    print(f"--seed {chosen.seed} repeats this run", flush=True)
    judge = Judge()
    try:
        with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
            for each in as_completed(pool.submit(work, plan) for plan in parts(chosen.requests, chosen.seed)):
                judge.add(each.result())
                print(f"{judge.requests:,} requests, {judge.kinds.total()} wrong", flush=True)
    except BrokenProcessPool:
        judge.kinds["process crash"] += 1
    for told in judge.wrong:
        print(told)
    statuses = " ".join(f"{status}:{count}" for status, count in sorted(judge.statuses.items()))
    kinds = " ".join(f"{kind}:{count}" for kind, count in sorted(judge.kinds.items())) or "none"
    print(f"{judge.requests} requests in {time.monotonic() - started:.0f} s; answers {statuses}; wrong: {kinds}")
    return 1 if judge.kinds or judge.requests < chosen.requests else 0


if __name__ == "__main__":
    sys.exit(main())

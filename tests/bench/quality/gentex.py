#!/usr/bin/env python3
"""How well transfers are told apart on the AMLGentex run: ours beside a peer, one table.

    tests/bench/quality/gentex.py [--only ours|peer] [--venv DIR] [--binary FILE]

Follows PROTOCOL.md of ../shared/data/amlgentex_run_seed0 to the letter: TRANSFER rows,
shuffled within the step by numpy's default_rng(12345) (made here without numpy), account
to account only, split by step at 60 and 80.  The rows go to bench_quality_gentex (release
preset), which chooses on validation, trains, and prints; and to the peer, IBM's Graph
Feature Preprocessor (snapml), in a virtual environment outside the repository that is
made at the first call.  Without it the table has no rows of the peer, and says so.

Takes half an hour of one core; OMP_NUM_THREADS says how many it may use.
"""
import argparse
import csv
import datetime
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RUN = ROOT.parent / "shared" / "data" / "amlgentex_run_seed0"
BINARY = ROOT / "build" / "release" / "bin" / "bench_quality_gentex"
VENV = pathlib.Path.home() / ".cache" / "walletrisk" / "snapml-venv"
HUB_S = 60                      # of the peer's speed with source and sink in the graph
M32, M64, M128 = (1 << 32) - 1, (1 << 64) - 1, (1 << 128) - 1


def seed_words(seed, count):
    """numpy.random.SeedSequence(seed).generate_state(count, uint64), seed below 2^32."""
    const = 0x43B0D7E5

    def mix_in(value):
        nonlocal const
        value ^= const
        const = const * 0x931E8875 & M32
        value = value * const & M32
        return value ^ value >> 16

    pool = [mix_in(seed if k == 0 else 0) for k in range(4)]
    for src in range(4):
        for dst in range(4):
            if src != dst:
                mixed = (pool[dst] * 0xCA01F9DD - mix_in(pool[src]) * 0x4973F715) & M32
                pool[dst] = mixed ^ mixed >> 16
    const, out = 0x8B51F9DD, []
    for k in range(2 * count):
        value = pool[k % 4] ^ const
        const = const * 0x58F38DED & M32
        value = value * const & M32
        out.append(value ^ value >> 16)
    return [out[2 * k] | out[2 * k + 1] << 32 for k in range(count)]


def random_units(seed, count):
    """numpy.random.default_rng(seed).random(count): PCG64 (XSL-RR), 53 bits each."""
    w = seed_words(seed, 4)
    factor = 0x2360ED051FC65DA44385DF649FCCF645
    step = ((w[2] << 64 | w[3]) << 1 | 1) & M128
    state = (step + (w[0] << 64 | w[1])) * factor + step & M128
    for _ in range(count):
        state = state * factor + step & M128
        x, turn = (state >> 64 ^ state) & M64, state >> 122
        yield ((x >> turn | x << (64 - turn)) & M64) >> 11


def write_rows(path):
    """TRANSFER rows in protocol order: step from to value is_bad pattern; sink -1, source -2."""
    with gzip.open(RUN / "tx_log_trimmed.csv.gz", "rt", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["type"] == "TRANSFER"]
    keys = list(random_units(12345, len(rows)))
    with open(path, "w") as out:
        for i in sorted(range(len(rows)), key=lambda i: (int(rows[i]["step"]), keys[i])):
            r = rows[i]
            print(r["step"], r["nameOrig"], r["nameDest"], r["amount"], r["isSAR"], r["patternID"],
                  file=out)


def make_venv(venv):
    """The Python that has snapml, or None; makes it when it is not there."""
    python = venv / "bin" / "python"
    def has():
        return python.exists() and subprocess.run(
            [python, "-c", "import snapml, numpy"], stderr=subprocess.DEVNULL).returncode == 0
    if has():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([python, "-m", "pip", "install", "-q", "snapml", "numpy"], check=True,
                       stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return python if has() else None


def peer_columns(python, rows, out, *more):
    """Columns and rows per second, or None when it failed."""
    done = subprocess.run([python, HERE / "gentex_peer.py", rows, out, *map(str, more)],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None
    columns, per_s = done.stdout.split()
    return int(columns), float(per_s)


def speed(per_s):
    return f"{per_s / 1e3:.1f} k"


def run_ours(binary, rows):
    """Prints the table; what follows it is returned, for the peer's rows come first."""
    done = subprocess.run([binary, "ours", rows], stdout=subprocess.PIPE, text=True, check=True)
    table, _, rest = done.stdout.rpartition("\n\n")
    print(table, flush=True)
    return rest


def run_peer(binary, rows, folder, venv):
    python = make_venv(venv)
    if not python:
        print(f"\nNo rows of the peer: snapml cannot be had in {venv.name}.")
        return
    for batch in (128, 1):
        out = folder / f"peer{batch}"
        got = peer_columns(python, rows, out, batch)
        if not got:
            print(f"\nNo row of the peer at batch {batch}: it failed.")
            continue
        subprocess.run([binary, "peer", rows, f"batch {batch}:{got[0]}:{speed(got[1])}:{out}"],
                       check=True)
        out.unlink()
    hubs = peer_columns(python, rows, os.devnull, 128, HUB_S)
    if hubs:
        print(f"\nPeer with source and sink in the graph, batch 128, first {HUB_S} s: {speed(hubs[1])} rows/s.")


def main():
    opt = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    opt.add_argument("--only", choices=("ours", "peer"))
    opt.add_argument("--venv", type=pathlib.Path, default=VENV)
    opt.add_argument("--binary", type=pathlib.Path, default=BINARY)
    opt = opt.parse_args()
    if not RUN.is_dir():
        raise SystemExit(f"left out: no {RUN.name} in ../shared/data")
    if not opt.binary.exists():
        raise SystemExit("build it first: cmake --preset release && "
                         "cmake --build --preset release --target bench_quality_gentex")
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows"
        write_rows(rows)
        print(f"AMLGentex, seed 0, {datetime.date.today()}", flush=True)
        rest = run_ours(opt.binary, rows) if opt.only != "peer" else ""
        if opt.only != "ours":
            run_peer(opt.binary, rows, pathlib.Path(folder), opt.venv)
        print(f"\n{rest}", end="")


if __name__ == "__main__":
    main()

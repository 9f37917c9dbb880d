#!/usr/bin/env python3
"""The one command: makes every table of quality and writes it into README.md beside this file.

    tests/bench/quality/tables.py [--only simulator,amlworld,amlworld-young,amlsim,amlsim-equal,tsgn,gentex] [--seeds 5]

Each table stands between <!-- begin NAME --> and <!-- end NAME -->, the simulator's in the root's
README.md as well; a table whose data is not there keeps its old text, and this is said.  Build first: cmake --preset release, then
cmake --build --preset release.  Takes an hour, on a machine that does nothing else.
"""
import argparse, pathlib, re, subprocess, sys

HERE = pathlib.Path(__file__).resolve().parent
README = HERE / "README.md"
ROOT_README = HERE.parents[2] / "README.md"
TABLES = {"simulator": ["simulator.py"], "amlworld": ["amlworld.py"],
          "amlworld-young": ["amlworld.py", "--young-days", "30"], "amlsim": ["amlsim.py"],
          "amlsim-equal": ["amlsim.py", "--equal-amounts"], "tsgn": ["tsgn.py"], "gentex": ["gentex.py"]}
SEEDLESS = {"gentex"}   # five of its own
SHOWN_IN_ROOT = {"simulator"}


def put(readme, name, text):
    old = readme.read_text()
    new, found = re.subn(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", lambda m: m[1] + text.rstrip("\n") + "\n" + m[2],
                         old, flags=re.S)
    if found != 1:
        raise SystemExit(f"{readme}: {found} places for '{name}', one is needed")
    readme.write_text(new)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--only", default=",".join(TABLES), help="names, with commas between")
    p.add_argument("--seeds", type=int, default=5, help="trainings of each row")
    opt = p.parse_args()
    names = opt.only.split(",")
    if unknown := [n for n in names if n not in TABLES]:
        p.error(f"no table '{unknown[0]}': {', '.join(TABLES)}")
    failed = False
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        script, *flags = TABLES[name] + ([] if name in SEEDLESS else ["--seeds", str(opt.seeds)])
        done = subprocess.run([HERE / script, *flags], stdout=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{name}: no table, its old one stays", file=sys.stderr, flush=True)
            failed = True
            continue
        for readme in [README] + [ROOT_README] * (name in SHOWN_IN_ROOT):
            put(readme, name, done.stdout)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

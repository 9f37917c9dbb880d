#!/usr/bin/env python3
"""What the learned scorer is worth, beside what it must beat: our own simulator.

    tests/bench/quality/simulator.py [--transfers 200000] [--incidents 300] [--lookalikes 400]
                                     [--seeds 5] [--train 1,2] [--test 11,12,13] [--markdown FILE]

Trains in one store (simulated worlds of some seeds), grades in others that no training saw:
wallets that carry no label, as of the end.  Half of the incidents have a labelled wallet
(known), half have none (hidden).  Beside every crime stand honest programs of the same shape
(--lookalikes percent of them; ingest/README.md says what the simulator puts in).  Rows:

  rules            shares and policy floors, no model
  one exposure     the exposure column, of one for each view, that ranks best in the training world
  no graph         trees on a wallet's own behaviour
  + neighbours     and on structure and the aggregates of its neighbours
  + exposures      and on cross-fitted exposures
  + motifs         and on the typology hits a wallet is in: what `walletrisk train` makes
  edges shuffled   the last, in worlds whose payments have permuted receivers: must drop
  labels permuted  the last, trained on bad wallets drawn at random: must fall to prevalence

Figures are means over test worlds, of models over training seeds as well; +- is half the
spread (max - min) over all of them.  PR-AUC of a score that knows nothing is `prevalence`.
"""
import argparse, csv, json, os, pathlib, random, sqlite3, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("WALLETRISK_TEST_BIN", ROOT / "build" / "release" / "bin"))
CHAIN = "eip155:1337"
GROUPS = {"no graph": "behaviour", "+ neighbours": "behaviour,structure,neighbours",
          "+ exposures": "behaviour,structure,neighbours,exposures", "+ motifs": "all"}


def call(store, program, *args):
    env = os.environ | {"WALLETRISK_DSN": f"sqlite:{store}"}
    done = subprocess.run([BIN / program, *map(str, args)], env=env, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{program} {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class World:
    """A store of one or more simulated worlds, and who was bad in them."""

    def __init__(self, folder, name, seeds, opt, shuffled=False):
        self.store, self.truth = folder / f"{name}.db", folder / f"{name}.truth.csv"
        call(self.store, "walletrisk", "migrate")
        rows = []
        for seed in seeds:
            t, truth, labels = (folder / f"{name}.{seed}.{k}.csv" for k in ("transfers", "truth", "labels"))
            call(self.store, "walletrisk-ingest", "simulate", "--transfers", opt.transfers, "--incidents", opt.incidents,
                 "--lookalikes", opt.lookalikes, "--seed", seed, "--out", t, "--truth", truth, "--labels", labels)
            if shuffled:
                shuffle_receivers(t, seed)
            call(self.store, "walletrisk-ingest", "file", t)
            call(self.store, "walletrisk", "labels", "load", labels)
            with open(truth, newline="") as f:
                rows += [(f"{seed}-{r['incident']}", r["typology"], r["id"]) for r in csv.DictReader(f)
                         if r["record"] == "wallet"]
            for f in (t, truth, labels):
                f.unlink()
        self.write_truth(self.truth, rows)
        self.rows = rows

    @staticmethod
    def write_truth(path, rows):
        with open(path, "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["incident", "typology", "address"])
            w.writerows(rows)

    def wallets(self):
        with sqlite3.connect(self.store) as db:
            return [a for (a,) in db.execute("select address from wallets order by wallet_id")]

    def permuted_truth(self, path, seed):
        r = random.Random(seed)
        picked = r.sample(self.wallets(), len(self.rows))
        self.write_truth(path, [(i, t, a) for (i, t, _), a in zip(self.rows, picked)])
        return path

    def grade(self, *what):
        return json.loads(call(self.store, "walletrisk", "evaluate", *what, "--labels", self.truth, "--json"))

    def train(self, groups, seed, out, truth=None):
        return json.loads(call(self.store, "walletrisk", "train", "--labels", truth or self.truth, "--groups", groups,
                               "--seed", seed, "--out", out, "--json"))


def shuffle_receivers(path, seed):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    to = rows[0].index("to")
    receivers = [r[to] for r in rows[1:]]
    random.Random(seed).shuffle(receivers)
    for r, v in zip(rows[1:], receivers):
        r[to] = v
    with open(path, "w", newline="") as f:
        csv.writer(f).writerows(rows)


# --- rows of the table --------------------------------------------------------------------

# One of each view: what a transfer, a path, the static walk, a contact, FIFO and a balance say.
EXPOSURES = ("received_illicit_direct", "received_illicit_indirect", "received_static_illicit", "received_contact_hops",
             "fifo_illicit", "held_illicit", "sent_illicit_direct", "sent_static_illicit")


def best_exposure(world):
    graded = {name: world.grade("column", name)["test"]["pr_auc"]["value"] for name in EXPOSURES}
    return max(graded, key=lambda k: (graded[k], k))


def graded_by_models(train, tests, groups, opt, folder, tag, truth_of=None):
    graded, seconds = [], []
    for seed in range(1, opt.seeds + 1):
        out = folder / f"{tag}.{seed}.wrmodel"
        begin = time.monotonic()
        made = train.train(groups, seed, out, truth_of(seed) if truth_of else None)
        seconds.append(time.monotonic() - begin)
        for world in tests:
            call(world.store, "walletrisk", "models", "import", out)
            graded.append(world.grade("model", made["id"]))
    print(f"  {tag}: {opt.seeds} trainings, {statistics.mean(seconds):.1f} s each", file=sys.stderr, flush=True)
    return graded


def table(worlds, opt, folder):
    train, tests, train_shuffled, tests_shuffled = worlds
    column = best_exposure(train)
    yield "rules", [w.grade("rules") for w in tests]
    yield f"one exposure (`{column}`)", [w.grade("column", column) for w in tests]
    for name, groups in GROUPS.items():
        yield name, graded_by_models(train, tests, groups, opt, folder, name.strip("+ ").replace(" ", "_"))
    yield "edges shuffled", graded_by_models(train_shuffled, tests_shuffled, "all", opt, folder, "shuffled")
    yield "labels permuted", graded_by_models(train, tests, "all", opt, folder, "permuted",
                                              lambda seed: train.permuted_truth(folder / f"permuted{seed}.csv", seed))


def at(graded, path):
    """The figure at that path; None: a part without bad wallets, or rules, which have no ECE."""
    for key in path:
        if graded is None or (isinstance(graded, dict) and key not in graded):
            return None
        graded = graded[key]
    return graded


def figure(graded, *path):
    found = [x for x in (at(g, path) for g in graded) if x is not None]
    if not found:
        return "–"
    spread = (max(found) - min(found)) / 2
    return f"{statistics.mean(found):.3f}" + (f" ± {spread:.3f}" if spread >= 0.0005 else "")


def markdown(rows):
    head = ["", "PR-AUC all", "hidden", "known", "recall .1 %", ".5 %", "1 %", "F1", "ECE"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, graded in rows:
        cells = [figure(graded, part, "pr_auc", "value") for part in ("test", "hidden", "known")]
        cells += [figure(graded, "test", "recall", k, "value") for k in range(3)]
        cells += [figure(graded, "test", "f1"), figure(graded, "test", "ece")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def typologies(rows):
    names = [t["name"] for t in rows[0][1][0]["by_typology"]]
    lines = ["| wallets found in the first 1 % | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, graded in rows:
        by = [{t["name"]: t["recall"] for t in g["by_typology"]} for g in graded]
        lines.append(f"| {name} | " + " | ".join(f"{statistics.mean(b.get(n, 0) for b in by):.2f}" for n in names) + " |")
    return lines


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--transfers", type=int, default=200_000, help="of each world")
    p.add_argument("--incidents", type=int, default=300, help="of each world")
    p.add_argument("--lookalikes", type=int, default=400, help="honest programs, percent of the incidents")
    p.add_argument("--seeds", type=int, default=5, help="trainings of each row")
    p.add_argument("--train", default="1,2", help="seeds of the training worlds")
    p.add_argument("--test", default="11,12,13", help="seeds of the test worlds")
    p.add_argument("--markdown", help="the tables also into this file")
    opt = p.parse_args()
    seeds = [[int(s) for s in text.split(",")] for text in (opt.train, opt.test)]
    with tempfile.TemporaryDirectory(prefix="wr-quality.") as name:
        folder = pathlib.Path(name)
        worlds = []
        for shuffled in (False, True):
            tag = "shuffled" if shuffled else "plain"
            worlds.append(World(folder, f"train.{tag}", seeds[0], opt, shuffled))
            worlds.append([World(folder, f"test.{tag}.{s}", [s], opt, shuffled) for s in seeds[1]])
        rows = list(table(worlds, opt, folder))
    first = rows[0][1][0]["test"]
    lines = [f"{opt.transfers} transfers, {opt.incidents} incidents and {opt.lookalikes} % honest look-alikes a world, training worlds {opt.train}, "
             f"test worlds {opt.test}, {opt.seeds} training seeds; prevalence {figure(rows[0][1], 'test', 'prevalence')} "
             f"({first['bad']} of {first['rows']} in the first).", ""]
    lines += markdown(rows) + [""] + typologies(rows)
    print("\n".join(lines))
    if opt.markdown:
        pathlib.Path(opt.markdown).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

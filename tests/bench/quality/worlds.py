"""Worlds that are trained on and judged in, the rows every table has, and the tables.

What simulator.py, amlworld.py and amlsim.py share; each of them only says where the parts
of its worlds come from.  Rows:

  rules            shares and policy floors, no model
  one exposure     the exposure column, of one for each view, that ranks best in the training world
  GROUPS           trees on more and more groups of columns; the last with all, as `walletrisk train` does
  edges shuffled   trees on all, in worlds whose payments have permuted receivers: must drop
  labels permuted  trees on all, trained on bad wallets drawn at random: must fall to prevalence

A figure is the mean over test worlds, of models over training seeds as well; +- is half the
spread (max - min) over all of them.  The interval is the mean of their 95 % intervals, each a
bootstrap by incident (`walletrisk evaluate`).  PR-AUC of a score that knows nothing is the
prevalence.
"""
import argparse, csv, datetime, hashlib, json, os, pathlib, random, sqlite3, statistics, subprocess, sys, tempfile, time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
BIN = pathlib.Path(os.environ.get("WALLETRISK_TEST_BIN", ROOT / "build" / "release" / "bin"))
CHAIN = "eip155:1337"
TRANSFER = ["chain", "time", "tx_hash", "from", "to", "asset", "decimals", "amount"]
LABEL = ["chain", "address", "category", "confidence", "source", "name"]
GROUPS = {"no graph": "behaviour", "+ neighbours": "behaviour,structure,neighbours",
          "+ exposures": "behaviour,structure,neighbours,exposures", "+ motifs": "all"}
# One of each view: what a transfer, a path, the static walk, a contact, FIFO and a balance say.
EXPOSURES = ("received_illicit_direct", "received_illicit_indirect", "received_static_illicit", "received_contact_hops",
             "fifo_illicit", "held_illicit", "sent_illicit_direct", "sent_static_illicit")


def call(store, program, *args):
    env = os.environ | {"WALLETRISK_DSN": f"sqlite:{store}"}
    done = subprocess.run([BIN / program, *map(str, args)], env=env, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{program} {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def hexadecimal(*what, digits):
    """An address or a hash for something that has a name of another kind."""
    return "0x" + hashlib.sha256("/".join(map(str, what)).encode()).hexdigest()[:digits]


def share(*what):
    """In [0, 1), the same for the same words: halves and classes that no run changes."""
    return int(hexadecimal(*what, digits=15), 16) / 16 ** 15


def read_csv(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def write_csv(path, head, rows):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(head)
        w.writerows(rows)


# --- worlds -------------------------------------------------------------------------------


@dataclass
class Part:
    """What goes into a world: two files, removed when they are loaded, and who was bad."""

    transfers: pathlib.Path
    labels: pathlib.Path
    bad: list                                   # (incident, typology, address)
    unknown: list = field(default_factory=list)  # addresses that may be either: never asked for


class World:
    """A store of some parts, and who was bad in them."""

    def __init__(self, folder, name, parts, shuffled=False):
        self.store, self.truth = folder / f"{name}.db", folder / f"{name}.truth.csv"
        self.bad, self.unknown = [], []
        call(self.store, "walletrisk", "migrate")
        for k, part in enumerate(parts):
            if shuffled:
                shuffle_receivers(part.transfers, k + 1)
            call(self.store, "walletrisk-ingest", "file", part.transfers)
            call(self.store, "walletrisk", "labels", "load", part.labels)
            part.transfers.unlink()
            part.labels.unlink()
            self.bad += part.bad
            self.unknown += part.unknown
        self.write_truth(self.truth, self.bad)

    def write_truth(self, path, bad):
        write_csv(path, ["record", "incident", "typology", "address"],
                  [("wallet", *row) for row in bad] + [("unknown", "", "", a) for a in self.unknown])

    def permuted_truth(self, path, seed):
        """As many bad wallets, drawn from all that are asked for."""
        with sqlite3.connect(self.store) as db:
            wallets = [a for (a,) in db.execute("select address from wallets order by wallet_id")]
        unknown = set(self.unknown)
        picked = random.Random(seed).sample([a for a in wallets if a not in unknown], len(self.bad))
        self.write_truth(path, [(i, t, a) for (i, t, _), a in zip(self.bad, picked)])
        return path

    def grade(self, *what):
        return json.loads(call(self.store, "walletrisk", "evaluate", *what, "--labels", self.truth, "--json"))

    def train(self, groups, seed, out, truth, flags):
        return json.loads(call(self.store, "walletrisk", "train", "--labels", truth or self.truth, "--groups", groups,
                               "--seed", seed, "--out", out, "--json", *flags))


def shuffle_receivers(path, seed):
    rows = read_csv(path)
    receivers = [r["to"] for r in rows]
    random.Random(seed).shuffle(receivers)
    write_csv(path, rows[0].keys(), [(r | {"to": v}).values() for r, v in zip(rows, receivers)])


# --- rows of the table --------------------------------------------------------------------


def best_exposure(world):
    graded = {name: world.grade("column", name)["test"]["pr_auc"]["value"] for name in EXPOSURES}
    return max(graded, key=lambda k: (graded[k], k))


def graded_by_models(train, tests, groups, opt, folder, tag, truth_of=None):
    graded, seconds = [], []
    for seed in range(1, opt.seeds + 1):
        out = folder / f"{tag}.{seed}.wrmodel"
        begin = time.monotonic()
        made = train.train(groups, seed, out, truth_of(seed) if truth_of else None, opt.train_flags)
        seconds.append(time.monotonic() - begin)
        for world in tests:
            call(world.store, "walletrisk", "models", "import", out)
            graded.append(world.grade("model", made["id"]))
    print(f"  {tag}: {opt.seeds} trainings, {statistics.mean(seconds):.1f} s each", file=sys.stderr, flush=True)
    return graded


def rows_of(plain, shuffled, opt, folder):
    """plain, shuffled: (training world, test worlds)."""
    train, tests = plain
    column = best_exposure(train)
    yield "rules", [w.grade("rules") for w in tests]
    yield f"one exposure (`{column}`)", [w.grade("column", column) for w in tests]
    for name, groups in GROUPS.items():
        yield name, graded_by_models(train, tests, groups, opt, folder, name.strip("+ ").replace(" ", "_"))
    yield "edges shuffled", graded_by_models(*shuffled, "all", opt, folder, "shuffled")
    yield "labels permuted", graded_by_models(train, tests, "all", opt, folder, "permuted",
                                              lambda seed: train.permuted_truth(folder / f"permuted{seed}.csv", seed))


# --- as Markdown --------------------------------------------------------------------------


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


def interval(graded, part):
    ends = [[x for x in (at(g, (part, "pr_auc", k)) for g in graded) if x is not None] for k in ("low", "high")]
    return " (" + "–".join(f"{statistics.mean(e):.2f}" for e in ends) + ")" if all(ends) else ""


def main_table(rows):
    head = ["", "PR-AUC all", "hidden", "known", "recall .1 %", ".5 %", "1 %", "F1", "ECE"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, graded in rows:
        cells = [figure(graded, part, "pr_auc", "value") + interval(graded, part) for part in ("test", "hidden", "known")]
        cells += [figure(graded, "test", "recall", k, "value") for k in range(3)]
        cells += [figure(graded, "test", "f1"), figure(graded, "test", "ece")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def typology_table(rows):
    names = [t["name"] for t in rows[0][1][0]["by_typology"]]
    lines = ["| found in the first 1 %: of wallets / of incidents | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, graded in rows:
        by = [{t["name"]: t for t in g["by_typology"]} for g in graded]
        cells = [" / ".join(f"{statistics.mean(b[n][k] if n in b else 0 for b in by):.2f}" for k in ("recall", "incident_recall"))
                 for n in names]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


# --- a script -----------------------------------------------------------------------------


def options(doc, **defaults):
    """Flags that all have; defaults may be changed, others are added by the caller.  train_flags: of `walletrisk train`."""
    p = argparse.ArgumentParser(description=doc.splitlines()[0])
    p.add_argument("--seeds", type=int, default=5, help="trainings of each row")
    p.add_argument("--markdown", type=pathlib.Path, help="the tables also into this file")
    p.set_defaults(**{"train_flags": []} | defaults)
    return p


def show(text, opt):
    print(text, end="")
    if opt.markdown:
        opt.markdown.write_text(text)


def run(opt, say, train, tests):
    """
    Makes all worlds twice, the second time with permuted receivers, and prints the tables.
    say: what the data is, in a sentence; train(folder): the parts of the training world;
    tests: functions of the folder as well, each gives the parts of a test world.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wr-quality.") as name:
        folder = pathlib.Path(name)
        plain, shuffled = ((World(folder, f"train.{tag}", train(folder), tag == "shuffled"),
                            [World(folder, f"test.{tag}.{k}", parts(folder), tag == "shuffled")
                             for k, parts in enumerate(tests)]) for tag in ("plain", "shuffled"))
        rows = list(rows_of(plain, shuffled, opt, folder))
    first = rows[0][1][0]["test"]
    lines = [f"{say}, {opt.seeds} training seeds; prevalence {figure(rows[0][1], 'test', 'prevalence')} "
             f"({first['bad']} of {first['rows']} in the first test world). {datetime.date.today()}, "
             f"{(time.monotonic() - begin) / 60:.0f} min.", ""]
    show("\n".join(lines + main_table(rows) + [""] + typology_table(rows)) + "\n", opt)

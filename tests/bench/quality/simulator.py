#!/usr/bin/env python3
"""What the learned scorer is worth, beside what it must beat: our own simulator.

    tests/bench/quality/simulator.py [--transfers 200000] [--incidents 300] [--lookalikes 400]
                                     [--seeds 5] [--train 1,2] [--test 11,12,13] [--markdown FILE]

Trains in one store (simulated worlds of some seeds), grades in others that no training saw:
wallets that carry no label, as of the end.  Half of the incidents have a labelled wallet
(known), half have none (hidden).  Beside every crime stand honest programs of the same shape
(--lookalikes percent of them; ingest/README.md says what the simulator puts in).  Rows and
figures: worlds.py.
"""
import worlds


def simulate(folder, seed, opt):
    """A world of that seed: files of transfers and labels, rows of the truth."""
    files = [folder / f"{seed}.{k}.csv" for k in ("transfers", "labels", "truth")]
    worlds.call("none", "walletrisk-ingest", "simulate", "--transfers", opt.transfers, "--incidents", opt.incidents,
                "--lookalikes", opt.lookalikes, "--seed", seed, "--out", files[0], "--labels", files[1], "--truth", files[2])
    truth = [r for r in worlds.read_csv(files[2]) if r["record"] == "wallet"]
    files[2].unlink()
    return files[0], files[1], truth


def part(folder, seed, opt):
    transfers, labels, truth = simulate(folder, seed, opt)
    return worlds.Part(transfers, labels, [(f"{seed}-{r['incident']}", r["typology"], r["id"]) for r in truth])


def options(doc, transfers, incidents, train, test):
    p = worlds.options(doc)
    p.add_argument("--transfers", type=int, default=transfers, help="of each simulated world")
    p.add_argument("--incidents", type=int, default=incidents, help="the simulator's own, of each world")
    p.add_argument("--lookalikes", type=int, default=400, help="honest programs, percent of the incidents")
    p.add_argument("--train", default=train, help="seeds of the training worlds")
    p.add_argument("--test", default=test, help="seeds of the test worlds")
    return p


def numbers(text):
    return [int(s) for s in text.split(",")]


def main():
    opt = options(__doc__, 200_000, 300, "1,2", "11,12,13").parse_args()
    worlds.run(opt, f"{opt.transfers} transfers, {opt.incidents} incidents and {opt.lookalikes} % honest look-alikes a world, "
                    f"training worlds {opt.train}, test worlds {opt.test}",
               lambda folder: (part(folder, s, opt) for s in numbers(opt.train)),
               [lambda folder, s=s: [part(folder, s, opt)] for s in numbers(opt.test)])


if __name__ == "__main__":
    main()

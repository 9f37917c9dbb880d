#!/usr/bin/env python3
"""How well labels on half of the phishing accounts rank the other half: Ethereum, TSGN set 1.

    tests/bench/quality/tsgn.py [--splits 5] [--markdown FILE]

Wants ../shared/data/eth_phish_set1: 24 221 real transfers around 350 phishing and 350 normal
accounts.  Ranking only, nothing is trained: the normal accounts were chosen otherwise than the
phishing ones, so that the largest transfer alone tells them apart (ROC-AUC 0.96 to 0.99, SOURCE.txt
there), and whatever is trained on them learns that.
"""
import json, pathlib, tempfile
import worlds

FOLDER = worlds.DATA / "eth_phish_set1"


def main():
    p = worlds.options(__doc__)
    p.add_argument("--splits", type=int, default=5, help="random halves")
    opt = p.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit(f"left out: no {FOLDER.name} in ../shared/data")
    with tempfile.TemporaryDirectory(prefix="wr-quality.") as folder:
        store = pathlib.Path(folder) / "tsgn.db"
        worlds.call(store, "walletrisk", "migrate")
        worlds.call(store, "walletrisk-ingest", "file", FOLDER / "eth_phish_set1_transactions.csv.gz", "--chain", "ETH")
        r = json.loads(worlds.call(store, "walletrisk", "evaluate", "ranking", FOLDER / "eth_phish_set1_labels.csv",
                                   "--splits", opt.splits, "--json"))
    lines = [f"{r['labels']} labels, {r['hidden']} hidden phishing accounts against {r['good']} normal ones, {r['splits']} random halves; "
             f"PR-AUC of chance {r['base_rate']:.3f}.", "", "| view | PR-AUC | ROC-AUC |", "|---|---|---|"]
    lines += [f"| {v['view']}{' (control)' if v['is_control'] else ''} | {v['ap']:.3f} | {v['auc']:.3f} |" for v in r["views"]]
    worlds.show("\n".join(lines) + "\n", opt)


if __name__ == "__main__":
    main()

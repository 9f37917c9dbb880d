#!/usr/bin/env python3
"""The simulator's files: complete truth, loadable, constant memory, the shipped sample."""
import csv, gzip, json, re, shlex, subprocess, time, unittest
from main_job import BIN, ROOT, Case, sqlite_store

TYPOLOGIES = {"theft", "fan_in", "fan_out", "scatter_gather", "cycle", "peel_chain", "mixer_use"}
ADDRESS = {"account": re.compile(r"0x[0-9a-f]{40}"), "utxo": re.compile(r"bc1q[a-z0-9]{38}")}


def simulate(*args, **more):
    return subprocess.run([BIN / "walletrisk-ingest", "simulate", *map(str, args)], check=True,
                          capture_output=True, **more)


def payments(path, kind):
    """hash -> (time, addresses, amounts in, amounts out), in the order of the file."""
    out = {}
    with open(path) as f:
        if kind == "account":
            for r in csv.DictReader(f):
                a = int(r["amount"])
                out[r["tx_hash"]] = (int(r["time"]), {r["from"], r["to"]}, [a], [a])
        else:
            for line in f:
                r = json.loads(line)
                ends = r["inputs"] + r["outputs"]
                out[r["txid"]] = (r["time"], {e["address"] for e in ends},
                                  [e["amount"] for e in r["inputs"]],
                                  [e["amount"] for e in r["outputs"]])
    return out


class Files(Case):
    def check_kind(self, kind, count=20000, incidents=21, lookalikes=0):
        d = self.folder
        simulate("--lookalikes", lookalikes, "--kind", kind, "--transfers", count, "--incidents", incidents, "--seed", 11,
                 "--users", 500, "--out", d / "t", "--truth", d / "truth.csv",
                 "--labels", d / "labels.csv", "--customers", d / "customers.csv")
        made = payments(d / "t", kind)
        self.assertEqual(len(made), count)  # no hash twice
        times = [p[0] for p in made.values()]
        self.assertEqual(times, sorted(times))
        self.assertTrue(all(a > 0 for p in made.values() for a in p[2] + p[3]))
        self.assertTrue(all(sum(p[3]) <= sum(p[2]) for p in made.values()))
        self.assertTrue(all(ADDRESS[kind].fullmatch(a) for p in made.values() for a in p[1]))
        self.check_truth(d, made, incidents, {"infrastructure"} if lookalikes else set())
        self.check_customers(d, kind, made)
        self.check_loads(d)

    def check_truth(self, d, made, incidents, more_roles):
        cast, moved, typology, shared = {}, {}, {}, set()
        roles = {"source", "layer", "mule", "collector", "cash_out"} | more_roles
        seen_roles = set()
        with open(d / "truth.csv") as f:
            for r in csv.DictReader(f):
                if r["record"] == "wallet":
                    cast.setdefault(r["incident"], set()).add(r["id"])
                    typology[r["incident"]] = r["typology"]
                    seen_roles.add(r["role"])
                    if r["role"] == "infrastructure":
                        shared.add(r["id"])
                else:
                    self.assertEqual(r["record"], "transfer")
                    self.assertEqual(made[r["id"]][0], int(r["time"]))  # KeyError: not written
                    moved.setdefault(r["incident"], []).append(made[r["id"]])
        self.assertEqual(len(cast), incidents)
        self.assertEqual(set(typology.values()), TYPOLOGIES)
        self.assertEqual(cast.keys(), moved.keys())
        all_cast = set().union(*cast.values())
        own = sum(len(c - shared) for c in cast.values())
        self.assertEqual(len(all_cast - shared), own)  # nobody but infrastructure is in two
        self.assertEqual(seen_roles, roles)
        for k, wallets in cast.items():
            touched = set().union(*(p[1] for p in moved[k]))
            self.assertLessEqual(wallets, touched, k)
            self.assertTrue(all(p[1] & wallets for p in moved[k]), k)
        planted = {id(p) for k in moved for p in moved[k]}
        for p in made.values():  # and no background payment touches the cast
            self.assertTrue(id(p) in planted or not p[1] & all_cast)

    def check_customers(self, d, kind, made):
        seen = set().union(*(p[1] for p in made.values()))
        with open(d / "customers.csv") as f:
            rows = list(csv.DictReader(f))
        self.assertGreater(len(rows), 100)
        self.assertEqual(len({r["customer_id"] for r in rows}), len(rows))
        self.assertEqual(len({r["address"] for r in rows}), len(rows))
        self.assertGreater(sum(r["address"] in seen for r in rows), len(rows) // 2)
        for r in rows:
            self.assertRegex(r["address"], ADDRESS[kind])
            self.assertRegex(r["name"], r"^[A-Z][a-z]+ [A-Z][a-z]+$")
            self.assertIn(r["risk_rating"], ("low", "medium", "high"))

    def check_loads(self, d):
        store = sqlite_store(d)
        out = store.json("walletrisk-ingest", "file", d / "t", "--json")
        self.assertEqual(out["records"], out["inserted"])
        self.assertEqual((out["dead"], out["duplicates"]), (0, 0))
        loaded = store.json("walletrisk", "labels", "load", d / "labels.csv", "--json")
        self.assertEqual(sum(loaded["issues"].values()), 0)
        with open(d / "labels.csv") as f:
            self.assertEqual(loaded["added"], sum(1 for _ in f) - 1)

    def test_account(self):
        self.check_kind("account")

    def test_utxo(self):
        self.check_kind("utxo")

    def test_account_lookalikes(self):
        self.check_kind("account", 45000, lookalikes=300, incidents=84)

    def test_utxo_lookalikes(self):
        self.check_kind("utxo", 12000, lookalikes=200, incidents=28)

    def test_lookalikes_same_bytes(self):
        for kind in ADDRESS:
            args = ("--kind", kind, "--transfers", 9000, "--incidents", 14, "--lookalikes", 400)
            one = simulate(*args, "--truth", self.folder / "one").stdout
            two = simulate(*args, "--truth", self.folder / "two").stdout
            self.assertEqual(one, two)
            self.assertEqual((self.folder / "one").read_bytes(), (self.folder / "two").read_bytes())

    def test_usage_errors(self):
        for args, words in ((["--kind", "x"], "--kind: 'x' is none of account, utxo"),
                            (["--kind", "utxo", "--chain", "ETH"], "--chain: eip155:1 does not fit"),
                            (["--truth", "-"], "only one of"),
                            (["--transfers", "100", "--incidents", "1"], "do not fit"),
                            (["--transfers", "600", "--incidents", "1", "--lookalikes", "400"], "5 programs"),
                            (["--lookalikes", "10001"], "--lookalikes"),
                            (["--out", "/nowhere/x"], "No such file")):
            done = subprocess.run([BIN / "walletrisk-ingest", "simulate", *args],
                                  capture_output=True, text=True)
            self.assertIn(done.returncode, (1, 2), args)
            self.assertIn(words, done.stderr)


class Memory(unittest.TestCase):
    def peak_kb(self, count, kind, lookalikes):
        """Most memory that it ever held (VmHWM, read while it writes), and its speed."""
        begun, peak, got = time.monotonic(), 0, 0
        command = [BIN / "walletrisk-ingest", "simulate", "--transfers", str(count), "--kind", kind,
                   "--lookalikes", str(lookalikes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            while chunk := child.stdout.read(1 << 20):
                got += len(chunk)
                try:
                    with open(f"/proc/{child.pid}/status") as f:
                        peak = max([peak] + [int(l.split()[1]) for l in f if l.startswith("VmHWM")])
                except ProcessLookupError:
                    pass  # it has written all and gone
        self.assertEqual(child.returncode, 0)
        self.assertGreater(got, 150 * count)
        self.assertGreater(peak, 1000)
        return peak, count / (time.monotonic() - begun)

    def test_does_not_grow_with_the_number_of_transfers(self):
        for kind, many, lookalikes in (("account", 1_000_000, 0), ("utxo", 300_000, 0),
                                       ("account", 1_000_000, 400)):
            small, _ = self.peak_kb(10_000, kind, lookalikes)
            large, rate = self.peak_kb(many, kind, lookalikes)
            print(f"simulate {kind} --lookalikes {lookalikes}: peak {small} KB for 10 k, {large} KB for {many:,} payments; "
                  f"{rate:,.0f} payments/s")
            self.assertLess(large, small + 1024)


class Sample(Case):
    def test_readme_command_makes_the_shipped_bytes(self):
        sample = ROOT / "data" / "sample"
        text = (sample / "README.md").read_text().replace("\\\n", " ")
        command = next(l for l in text.splitlines() if "walletrisk-ingest simulate" in l)
        args = shlex.split(command.split("|")[0])[1:]
        made = subprocess.run([BIN / "walletrisk-ingest", *args], check=True, cwd=self.folder,
                              capture_output=True).stdout
        with gzip.open(sample / "transfers.csv.gz") as f:
            self.assertEqual(made, f.read())
        for name in ("labels.csv", "truth.csv"):
            self.assertEqual((self.folder / name).read_bytes(), (sample / name).read_bytes())

    def test_riskiest_unlabelled_wallets_are_planted_ones(self):
        sample = ROOT / "data" / "sample"
        store = sqlite_store(self.folder)
        out = store.json("walletrisk-ingest", "file", sample / "transfers.csv.gz", "--json")
        self.assertEqual((out["records"], out["inserted"]), (20000, 20000))
        store.run("walletrisk", "labels", "load", sample / "labels.csv")
        store.score()
        with open(sample / "truth.csv") as f:
            cast = {r["id"] for r in csv.DictReader(f) if r["record"] == "wallet"}
        top = store.json("walletrisk", "top", "--limit", 10, "--unlabelled", "--json")
        self.assertEqual(len(top), 10)
        self.assertLessEqual({w["address"] for w in top}, cast)


if __name__ == "__main__":
    unittest.main()

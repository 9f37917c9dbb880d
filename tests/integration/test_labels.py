#!/usr/bin/env python3
"""The labels commands: load, list, export, remove; idempotent, issues by line."""
import csv, gzip, io, json, subprocess, unittest
from main_job import SHARED, Case, needs_shared, pg_store, sqlite_store

A = "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
B = "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
OWN = f"""chain,address,category,confidence,source,uri,actor,name,valid_from,valid_to
ETH,{A},phishing,70,mine,https://x.example,eve,"Eve, the ""first""\",2020-01-01T00:00:00Z,2021-01-01T00:00:00Z
ETH,{B},exchange,50,mine,,,=cmd|'calc'!A1,,
opaque:bank,-17,scam,5,other,,,@formula,,
ETH,{B},user,50,mine,,,unknown word,,
ETH,0x12,phishing,50,mine,,,short,,
Planets,{A},phishing,50,mine,,,no such chain,,
ETH,{A},phishing,70,mine,,,again,,
"""


class Labels(Case):
    def each_store(self, name):
        yield sqlite_store(self.folder, f"{name}.db")
        yield pg_store(f"labels_{name}")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def load(self, store, *args):
        out = store.run("walletrisk", "labels", "load", *args, "--json").stdout
        return [json.loads(l) for l in out.splitlines()]

    def export(self, store, *args):
        return store.run("walletrisk", "labels", "export", *args).stdout

    def test_load_list_export_remove(self):
        path = self.write("own.csv", OWN)
        for store in self.each_store("whole"):
            with self.subTest(store=store.dsn.split(":")[0]):
                done = store.run("walletrisk", "labels", "load", path)
                self.assertIn("3 added, 0 updated, 0 unchanged, 1 unknown category, "
                              "1 invalid address, 1 unknown chain, 1 repeated", done.stdout)
                for line, words in ((5, "unknown category 'user'"), (6, "'0x12'"), (7, "'Planets'"),
                                    (8, "was there before")):
                    self.assertRegex(done.stderr, rf"own\.csv:{line}: .*{words}")
                again = self.load(store, path)[0]
                self.assertEqual((again["added"], again["updated"], again["unchanged"]), (0, 0, 3))
                self.check_list(store)
                self.check_round_trip(store)
                self.check_update_and_remove(store)

    def check_list(self, store):
        out = store.run("walletrisk", "labels", "list", "--json").stdout
        rows = [json.loads(l) for l in out.splitlines()]
        self.assertEqual([r["address"] for r in rows], [A, B, "-17"])
        first = rows[0]
        self.assertEqual((first["chain"], first["category"], first["confidence"]),
                         ("eip155:1", "phishing", 70))
        self.assertEqual((first["valid_from"], first["valid_to"]),
                         ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"))
        self.assertEqual((first["source"], first["uri"], first["actor"], first["name"]),
                         ("mine", "https://x.example", "eve", 'Eve, the "first"'))
        self.assertIs(first["is_in_graph"], False)
        for args, count in ((["--source", "mine"], 2), (["--category", "scam"], 1),
                            (["--chain", "ETH"], 2), (["--chain", "ETH", "--address", A.upper().replace("X", "x")], 1),
                            (["--limit", 1], 1), (["--source", "none"], 0)):
            out = store.run("walletrisk", "labels", "list", "--json", *args).stdout
            self.assertEqual(len(out.splitlines()), count, args)

    def check_round_trip(self, store):
        text = self.export(store)
        rows = list(csv.reader(io.StringIO(text)))
        self.assertEqual(len(rows), 4)
        for row in rows:
            for cell in row:
                self.assertNotIn(cell[:1], ("=", "+", "-", "@"))
        path = self.folder / "export.csv"
        store.run("walletrisk", "labels", "export", "--out", path)
        self.assertEqual(path.read_text(), text)
        back = self.load(store, path)[0]
        self.assertEqual((back["added"], back["updated"], back["unchanged"]), (0, 0, 3))
        self.assertEqual(sum(back["issues"].values()), 0)
        other = sqlite_store(self.folder, f"copy-{store.dsn[:4]}.db")
        self.assertEqual(self.load(other, path)[0]["added"], 3)
        self.assertEqual(self.export(other), text)

    def check_update_and_remove(self, store):
        path = self.write("own2.csv", OWN.replace("phishing,70", "phishing,80"))
        self.assertEqual(self.load(store, path)[0]["updated"], 1)
        out = store.run("walletrisk", "labels", "list", "--json", "--chain", "ETH", "--address", A)
        self.assertEqual(json.loads(out.stdout)["confidence"], 80)
        refused = store.run("walletrisk", "labels", "remove", ok=False)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("1 labels removed",
                      store.run("walletrisk", "labels", "remove", "--source", "other").stdout)
        self.assertIn("0 labels removed",
                      store.run("walletrisk", "labels", "remove", "--source", "other").stdout)
        self.assertIn("1 labels removed", store.run("walletrisk", "labels", "remove", "--chain",
                                                    "ETH", "--address", A).stdout)
        self.assertEqual(len(self.export(store).splitlines()), 2)
        self.assertEqual(self.load(store, path)[0]["added"], 2)

    def test_usage_errors(self):
        store = sqlite_store(self.folder)
        path = self.write("x.txt", A + "\n")
        for args, code, words in (
                (["load"], 2, "PATH"), (["load", "/nowhere"], 1, "/nowhere"),
                (["load", path, "--format", "x"], 2, "label format 'x'"),
                (["load", path, "--category", "x"], 2, "--category: 'x'"),
                (["load", path, "--confidence", "101"], 2, "confidence"),
                (["list", "--address", A], 2, "--address needs --chain"),
                (["list", "--chain", "x"], 1, "'x'"),
                (["list", "--chain", "ETH", "--address", "0x1"], 1, "'0x1'")):
            done = store.run("walletrisk", "labels", *args, ok=False)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(words, done.stderr)

    def test_options_for_lists_without_columns(self):
        store = sqlite_store(self.folder)
        path = self.write("x.txt", f"# a comment\n{A}\n")
        none = self.load(store, path, "--issues", 0)[0]
        self.assertEqual(none["issues"]["unknown chain"], 1)
        self.load(store, path, "--chain", "ETH", "--category", "hack", "--source", "s",
                  "--confidence", 42)
        row = json.loads(store.run("walletrisk", "labels", "list", "--json").stdout)
        self.assertEqual((row["chain"], row["category"], row["source"], row["confidence"]),
                         ("eip155:1", "hack", "s", 42))

    @needs_shared
    def test_real_lists_through_the_command(self):
        folder = SHARED / "labels_graphsense_tagpacks"
        with gzip.open(folder / "tags_flat.csv.gz", "rt") as f:
            head = f.readline()
            rows = f.readlines()
        some = self.write("tags.csv", head + "".join(rows[::20]))
        ofac = sorted((SHARED / "labels_ofac").glob("*.txt"))
        ofac = [p for p in ofac if p.name.startswith("sanctioned")]
        for store in self.each_store("real"):
            with self.subTest(store=store.dsn.split(":")[0]):
                rep = self.load(store, some, "--issues", 0)[0]
                self.assertEqual(rep["added"] + sum(rep["issues"].values()), len(rows[::20]))
                again = self.load(store, some, "--issues", 0)[0]
                self.assertEqual((again["added"], again["updated"], again["unchanged"]),
                                 (0, 0, rep["added"]))
                reports = self.load(store, *ofac, "--issues", 0)
                self.assertEqual(sum(r["added"] for r in reports), 653)
                self.assertEqual(sum(sum(r["issues"].values()) for r in reports), 1)
        listed = subprocess.run(["cat", *ofac], check=True, capture_output=True).stdout
        self.assertEqual(len(listed.split()), 654)

    def test_without_labels_nobody_is_clean(self):
        for store in self.each_store("none"):
            with self.subTest(store=store.dsn.split(":")[0]):
                path = self.write("one.csv", "chain,tx_hash,time,from,to,value\n"
                                  f"ETH,0x{7:064x},2020-01-01T00:00:00Z,{A},{B},1\n")
                store.run("walletrisk-ingest", "file", path)
                store.run("walletrisk", "score")
                top = store.run("walletrisk", "top")
                self.assertEqual(top.stdout, "")
                self.assertIn("no wallet of this run has a score", top.stderr)
                told = store.run("walletrisk", "explain", "ETH", A).stdout
                self.assertIn("unknown: the state is labels_unavailable", told)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The models commands on both stores: import, list, show, card, compare, activate, export."""
import hashlib, json, subprocess, unittest
from main_job import BIN, Case, pg_store, sqlite_store


class Models(Case):
    def setUp(self):
        super().setUp()
        self.file = {}
        for name, kind, seed in (("one", "wallet", 3), ("two", "wallet", 4), ("flow", "transfer", 5)):
            self.file[name] = self.model(name, kind, seed)
        self.id = {name: "m" + hashlib.sha256(path.read_bytes()).hexdigest()[:12]
                   for name, path in self.file.items()}

    def model(self, name, kind, seed):
        path = self.folder / f"{name}.model"
        subprocess.run([BIN / "model_file", path, kind, str(seed)], check=True)
        return path

    def each_store(self, name):
        for make in (lambda: sqlite_store(self.folder, f"{name}.db"), lambda: pg_store(f"models_{name}")):
            store = make()
            with self.subTest(store=store.dsn.split(":")[0]):
                yield store

    def models(self, store, *args, **more):
        return store.run("walletrisk", "models", *args, **more)

    def rows(self, store, *args):
        return [json.loads(l) for l in self.models(store, "list", "--json", *args).stdout.splitlines()]

    def status(self, store):
        return {r["id"]: r["status"] for r in self.rows(store)}

    def refused(self, store, code, words, *args, **more):
        done = self.models(store, *args, ok=False, **more)
        self.assertEqual((done.returncode, done.stdout), (code, ""), args)
        self.assertIn(words, done.stderr, args)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def load(self, store):
        for name, path in self.file.items():
            out = self.models(store, "import", path, "--by", "alice").stdout
            self.assertEqual(out, f"{self.id[name]} registered\n")

    def test_import_list_show_card(self):
        for store in self.each_store("list"):
            empty = self.models(store, "list")
            self.assertEqual((empty.stdout, empty.stderr), ("", "no model is registered\n"))
            self.load(store)
            again = self.models(store, "import", self.file["one"], "--by", "bob").stdout
            self.assertEqual(again, f"{self.id['one']} was there already\n")
            rows = self.rows(store)
            self.assertEqual({r["id"] for r in rows}, set(self.id.values()))
            for r in rows:
                self.assertEqual((r["status"], r["created_by"]), ("candidate", "alice"))
                self.assertEqual(r["id"], "m" + r["digest"][:12])
                self.assertEqual(r["prevalence"], 0.0233)
            self.assertEqual([r["id"] for r in self.rows(store, "--kind", "transfer")], [self.id["flow"]])
            self.assertEqual({r["id"]: r["pr_auc"] for r in rows}[self.id["two"]], 0.34)
            text = self.models(store, "list").stdout.splitlines()
            self.assertEqual(len(text), 4)
            self.assertRegex(text[0], r"^ID +STATUS +KIND +CREATED +PR-AUC +PREVALENCE +BY$")
            self.check_show(store)

    def check_show(self, store):
        one = self.id["one"]
        shown = json.loads(self.models(store, "show", one[:6], "--json").stdout)
        self.assertEqual(shown["id"], one)
        self.assertEqual(shown["bytes"], self.file["one"].stat().st_size)
        self.assertEqual(shown["manifest"]["parameters"]["rounds"], 13)
        self.assertNotIn("activated_at", shown)
        text = self.models(store, "show", one).stdout
        for words in (f"model              {one}\n", "  truth_digest       t1\n", "  rounds             13\n",
                      "  test pr_auc                    0.3300 (0.1100 to 0.9100)\n",
                      "  test recall @ 0.1 %            0.1250\n"):
            self.assertIn(words, text)
        card = self.models(store, "card", one).stdout
        self.assertTrue(card.startswith(f"# Model {one}\n"))
        self.assertIn("| pr_auc | 0.33 (0.11 to 0.91), prevalence 0.0233 |", card)

    def test_activate(self):
        for store in self.each_store("activate"):
            self.load(store)
            one, two, flow = (self.id[n] for n in ("one", "two", "flow"))
            self.refused(store, 1, "no model is active", "show")
            self.refused(store, 1, "no model is active", "activate", "none")
            self.assertEqual(self.models(store, "activate", one[:5], "--by", "bob").stdout, f"{one} is active\n")
            self.assertEqual(self.models(store, "activate", one).stdout, f"{one} was active already\n")
            done = self.models(store, "activate", two, env={"USER": "carol"}).stdout
            self.assertEqual(done, f"{two} is active\n{one} is retired\n")
            self.models(store, "activate", flow)
            self.assertEqual(self.status(store), {one: "retired", two: "active", flow: "active"})
            who = {r["id"]: r.get("activated_by") for r in self.rows(store)}
            self.assertEqual((who[one], who[two]), ("bob", "carol"))
            self.refused(store, 2, "name one, or a kind", "activate", "none")
            self.refused(store, 2, "name one, or a kind", "card")
            self.assertTrue(self.models(store, "card", "--kind", "wallet").stdout.startswith(f"# Model {two}"))
            self.assertEqual(self.models(store, "activate", "none", "--kind", "wallet").stdout,
                             f"{two} is retired\n")
            self.assertEqual(self.status(store), {one: "retired", two: "retired", flow: "active"})

    def test_compare(self):
        for store in self.each_store("compare"):
            self.load(store)
            one, two, flow = (self.id[n] for n in ("one", "two", "flow"))
            text = self.models(store, "compare", one, two).stdout
            lines = text.splitlines()
            self.assertRegex(text, r"\n\* rounds +13 +14\n")
            self.assertRegex(text, r"\n  eta +0.3 +0.3\n")
            self.assertEqual(lines[-1], "Tested on the same data: the metrics can be compared.")
            self.assertIn("  only in the first: none", lines)
            both = json.loads(self.models(store, "compare", one, two, "--json").stdout)
            self.assertEqual((both["a"], both["b"]), (one, two))
            self.assertEqual((both["test_data"], both["is_comparable"], both["differs"]), ("same", True, ""))
            differ = {r["name"] for r in both["rows"] if not r["is_same"]}
            self.assertEqual(differ, {"seed", "rounds", "test pr_auc"})
            other = self.models(store, "compare", one, flow).stdout.splitlines()[-1]
            self.assertEqual(other, "NOT COMPARABLE: the test data differ (kind): the metrics do not say "
                                    "which model is better.")

    def test_compare_other_data_and_columns(self):
        """Manifests and names changed in the file: same length, so that the parts still fit."""
        path = self.folder / "changed.model"
        data = self.file["one"].read_bytes()
        changed = data.replace(b'"truth_digest":"t1"', b'"truth_digest":"t2"').replace(b'"rows":300', b'"rows":301')
        changed = changed.replace(b"f03.in_24h", b"f03.in_25h")
        self.assertNotEqual(changed, data)
        path.write_bytes(changed)
        for store in self.each_store("columns"):
            self.load(store)
            other = self.models(store, "import", path).stdout.split()[0]
            both = json.loads(self.models(store, "compare", self.id["one"], other, "--json").stdout)
            self.assertEqual((both["test_data"], both["is_comparable"]), ("different", False))
            self.assertEqual(both["differs"], "truth_digest, test rows")
            self.assertEqual(both["columns"], {"only_a": ["f03.in_24h"], "only_b": ["f03.in_25h"]})

    def test_export(self):
        for store in self.each_store("export"):
            self.load(store)
            out = self.folder / "out.model"
            self.models(store, "export", self.id["two"][:8], out)
            self.assertEqual(out.read_bytes(), self.file["two"].read_bytes())
            self.refused(store, 1, "No such file or directory", "export", self.id["two"], self.folder / "no" / "x")

    def test_wrong_ones(self):
        cut = self.folder / "cut.model"
        cut.write_bytes(self.file["one"].read_bytes()[:-1])
        person = self.model("person", "person", 6)
        text = self.folder / "text.model"
        text.write_text("chain,address\n")
        for store in self.each_store("wrong"):
            self.load(store)
            self.refused(store, 1, "part 'drift' is cut off", "import", cut)
            self.refused(store, 2, "kind 'person' is neither 'wallet' nor 'transfer'", "import", person)
            self.refused(store, 1, "without 'wrmodel 1'", "import", text)
            self.refused(store, 1, "nothing.model: No such file", "import", self.folder / "nothing.model")
            self.refused(store, 1, "no model 'mzzzz'", "show", "mzzzz")
            self.refused(store, 2, "too short", "activate", self.id["one"][:3])
            self.refused(store, 2, "usage: walletrisk models compare A B", "compare", self.id["one"])
            self.assertEqual(set(self.status(store)), set(self.id.values()))


if __name__ == "__main__":
    unittest.main(verbosity=2)

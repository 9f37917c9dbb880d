#!/usr/bin/env python3
"""Train, grade, activate, score, explain: the learned scorer from end to end, on both stores."""
import json, unittest
import api_contract as contract
from api_server import Server
from main_job import Case, pg_store, sqlite_store


class Train(Case):
    def world(self, store, seed=1):
        files = {k: self.folder / f"{k}{seed}.csv" for k in ("out", "truth", "labels")}
        store.run("walletrisk-ingest", "simulate", "--transfers", 12000, "--incidents", 60, "--seed", seed,
                  *[a for k, f in files.items() for a in (f"--{k}", f)])
        store.run("walletrisk-ingest", "file", files["out"])
        store.run("walletrisk", "labels", "load", files["labels"])
        return files["truth"]

    def train(self, store, truth, *args, **more):
        return store.run("walletrisk", "train", "--labels", truth, "--rounds", 30, "--json", *args, **more)

    def stores(self):
        return {"sqlite": sqlite_store(self.folder, "api.db"), "postgresql": pg_store("train")}

    def test_from_transfers_to_reasons(self):
        made, runs = {}, {}
        for kind, store in self.stores().items():
            truth = self.world(store)
            made[kind] = json.loads(self.train(store, truth, "--activate").stdout)
            runs[kind] = store.score()
            self.check_model(store, made[kind], truth)
            self.check_run(store, made[kind]["id"], runs[kind])
            if kind == "sqlite":
                self.check_api(store, made[kind]["id"])
        self.assertEqual(made["sqlite"], made["postgresql"])
        for digest in ("graph_digest", "labels_digest", "config_digest", "output_digest"):
            self.assertEqual(runs["sqlite"][digest], runs["postgresql"][digest], digest)

    def check_model(self, store, made, truth):
        m = made["manifest"]
        blocks = {b["name"]: b for b in m["blocks"]}
        self.assertEqual(list(blocks), ["train", "validate", "calibrate", "test"])
        self.check_times(blocks)
        self.assertTrue(all(b["bad"] > 0 and b["incidents"] > 0 for b in m["blocks"]))
        self.assertGreater(m["metrics"]["test"]["pr_auc"]["value"], 2 * m["metrics"]["test"]["prevalence"])
        row, = [json.loads(l) for l in store.run("walletrisk", "models", "list", "--json").stdout.splitlines()]
        self.assertEqual((row["id"], row["status"]), (made["id"], "active"))
        again = json.loads(self.train(store, truth, env={"OMP_NUM_THREADS": "1"}).stdout)
        self.assertEqual(again["digest"], made["digest"])   # one thread, same bytes
        card = store.run("walletrisk", "models", "card", "active").stdout
        for words in (made["id"], "pr_auc", "prevalence", "in_mean_in_parties"):
            self.assertTrue(words in card, words)

    def check_times(self, blocks):
        """Each is as of a later time; validate is behind train and a gap, the other two are of all ages."""
        as_of = [b["to"] for b in blocks.values()]
        self.assertEqual(as_of, sorted(set(as_of)))
        self.assertGreater(blocks["validate"]["from"], blocks["train"]["to"])
        for name in ("calibrate", "test"):
            self.assertEqual(blocks[name]["from"], blocks["train"]["from"])

    def test_keeps_nobody_out(self):
        store = sqlite_store(self.folder, "young.db")
        m = json.loads(self.train(store, self.world(store), "--kept-out", 0, "--groups", "behaviour").stdout)["manifest"]
        times = [t for b in m["blocks"] for t in (b["from"], b["to"])]
        self.assertEqual(times, sorted(set(times)))    # one after the other, with a gap

    def check_run(self, store, model, run):
        self.assertEqual(run["detail"]["model"]["id"], model)
        self.assertGreaterEqual(run["detail"]["model"]["score_psi"], 0)
        verified = store.run("walletrisk", "verify-run", run["id"]).stdout
        self.assertIn(" 0 different", verified)
        self.assertNotIn("DIFFERENT", verified)
        one = store.score(threads=1)
        self.assertEqual(one["output_digest"], run["output_digest"])

    def check_api(self, store, model):
        server = Server(self.folder).start()
        self.addCleanup(server.end)
        server.score()
        top = server.get("/scores/top?limit=5").json["scores"]
        for row in top:
            path = f"/wallets/{row['chain']}/{row['address']}"
            wallet = contract.check("GET", path, server.get(path)).json
            self.assertEqual(wallet["model"], model)
            explained = contract.check("GET", path + "/explanation", server.get(path + "/explanation"))
            self.check_explanation(explained.json, wallet)
        metrics = server.get("/metrics").body.decode()
        self.assertIn(f'walletrisk_model_info{{id="{model}"}} 1', metrics)
        self.assertIn("walletrisk_model_score_psi ", metrics)
        self.assertIn("walletrisk_model_feature_psi_max ", metrics)

    def check_explanation(self, doc, wallet):
        m, parts = doc["model"], doc["score_parts"]
        self.assertEqual(m["probability"], wallet["probability"])
        self.assertTrue(0 <= m["novelty"] <= 1)
        total = m["margin_mean"] + sum(f["contribution"] for f in m["features"]) + m["other_contribution"]
        self.assertAlmostEqual(total, m["margin"], places=6)
        self.assertEqual([f for f in m["features"]],
                         sorted(m["features"], key=lambda f: -abs(f["contribution"])))
        points = sum(p["points"] for p in parts["parts"]) + parts["rounding"]
        points += parts["floor"]["points"] if parts["floor"] else 0
        self.assertAlmostEqual(points, parts["score"], places=6)
        self.assertEqual({p["kind"] for p in parts["parts"]} - {"model", "own_label"}, set())
        self.assertIn("model", {p["kind"] for p in parts["parts"]})

    def test_grades_on_another_world(self):
        store = sqlite_store(self.folder, "a.db")
        truth = self.world(store, 1)
        file = self.folder / "m.wrmodel"
        made = json.loads(self.train(store, truth, "--out", file, "--groups", "behaviour").stdout)
        other = sqlite_store(self.folder, "b.db")
        truth = self.world(other, 2)
        self.assertEqual(other.run("walletrisk", "models", "import", file).stdout, f"{made['id']} registered\n")
        graded = {what[0]: other.json("walletrisk", "evaluate", *what, "--labels", truth, "--json")
                  for what in (["model", made["id"]], ["rules"], ["column", "in_count"])}
        rows = {name: g["test"]["rows"] for name, g in graded.items()}
        self.assertEqual(len(set(rows.values())), 1, rows)    # the same wallets
        self.assertIn("ece", graded["model"]["test"])
        self.assertNotIn("ece", graded["rules"]["test"])      # no probabilities
        listed = [line.split() for line in other.run("walletrisk", "evaluate", "column").stdout.splitlines()]
        self.assertEqual(len({name for _, name in listed}), len(listed))
        self.assertEqual({group for group, _ in listed}, {"behaviour", "structure", "exposures", "neighbours", "motifs"})
        bad = graded["model"]["test"]["bad"]
        self.assertEqual(bad, graded["model"]["hidden"]["bad"] + graded["model"]["known"]["bad"])
        text = other.run("walletrisk", "evaluate", "rules", "--labels", truth).stdout
        self.assertRegex(text, r"(?m)^hidden +\d+ of +\d+ bad")

    def test_says_what_is_wrong(self):
        store = sqlite_store(self.folder, "wrong.db")
        truth = self.world(store)
        nobody = self.folder / "nobody.csv"
        nobody.write_text("address,incident\n0x" + "ab" * 20 + ",1\n")
        broken = self.folder / "broken.csv"
        broken.write_text("address,incident\nxyz,1\n")
        for words, args in (
                ("block 'train'", ["train", "--labels", nobody]),
                (":2: ", ["train", "--labels", broken]),
                ("cannot", ["train", "--labels", self.folder / "missing.csv"]),
                ("group 'magic'", ["train", "--labels", truth, "--groups", "behaviour,magic"]),
                ("folds 1", ["train", "--labels", truth, "--folds", 1]),
                ("nothing happened before", ["train", "--labels", truth, "--as-of", "2020-01-01T00:00:00Z"]),
                ("no column 'nonsense'", ["evaluate", "column", "nonsense", "--labels", truth]),
                ("m0123", ["evaluate", "model", "m0123", "--labels", truth]),
                ("end of the graph", ["evaluate", "rules", "--labels", truth, "--as-of", "2025-02-01T00:00:00Z"])):
            done = store.run("walletrisk", *args, ok=False)
            self.assertNotEqual(done.returncode, 0, args)
            if words == "cannot":
                words = "missing.csv"
            self.assertIn(words, done.stderr, args)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Every route, status and schema of openapi.yaml, against a running server.

Data comes in through POST /transactions.  The last class asserts that every response that
the contract spells out was seen and judged by its schema.
"""
import time, unittest
import api_contract as contract
from api_explanations import Explanations
from api_server import CHAIN, IS_POSTGRES, Case, quote, random_transfers, transfer

#  thief ─100→ a ─60→ b ─50→ shop(exchange) ;  clean ─40→ b ;  thief ─30→ mix ;  a ─10→ c
STORY = [transfer(1, "thief", "a", 100), transfer(2, "clean", "b", 40),
         transfer(3, "a", "b", 60), transfer(4, "b", "shop", 50), transfer(5, "thief", "mix", 30),
         transfer(6, "a", "c", 10, memo="=cmd"), transfer(7, "mix", "d", 5),
         # e passes on all it got, then pays g with money that nobody saw coming
         transfer(8, "thief", "e", 7), transfer(9, "e", "f", 7), transfer(10, "e", "g", 3)]
LABELS = [("thief", "hack"), ("shop", "exchange"), ("mix", "mixer")]


class ContractCase(Case):
    def get(self, path, status=200, **more):
        return self.judge("GET", path, status, **more)

    def post(self, path, status, body=None, **more):
        return self.judge("POST", path, status, body=body, **more)

    def judge(self, method, path, status, **more):
        answer = contract.check(method, path, self.server.ask(method, path, **more))
        self.assertEqual(answer.status, status, f"{method} {path}: {answer}")
        return answer

    def wallet(self, name, tail="", status=200):
        return self.get(f"/wallets/{CHAIN}/{name}{tail}", status)


class A_EmptyStore(ContractCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for("--docs-dir", cls.folder_for()).start()

    def test_nothing_has_been_scored(self):
        for path in ("/scores/top", "/wallets/eth/0x00000000219ab540356cbb839cbe05303d7705fa",
                     f"/wallets/{CHAIN}/a/exposure", f"/wallets/{CHAIN}/a/paths",
                     f"/wallets/{CHAIN}/a/explanation",
                     f"/wallets/{CHAIN}/a/neighbors", f"/subgraph?address={CHAIN}:a"):
            self.assertIn("POST /run-score", self.get(path, 404).json["detail"])
        self.assertEqual(self.get("/runs").json, {"runs": [], "next_page": None})
        self.assertEqual(self.get("/labels").json, {"labels": [], "next_page": None})
        self.assertEqual(self.get("/health/ready").json["scores"], "none")

    def test_screening_without_a_run_is_not_clean(self):
        r = self.post("/screen", 200, {"addresses": [f"{CHAIN}:a"]}).json
        self.assertEqual(r["results"][0]["state"], "not_in_graph")
        self.assertIsNone(r["results"][0]["score"])

    def test_ingestion_is_empty_and_balanced(self):
        r = self.get("/ingestion/status").json
        self.assertEqual(r["sources"], [])
        self.assertTrue(r["totals"]["is_balanced"])

    def test_docs_say_what_to_install(self):
        self.assertIn("npm ci", self.get("/docs", 503).json["detail"])
        self.get("/docs/swagger-ui.css", 503)
        self.get("/docs/start.js")
        self.get("/docs/..%2Fapi.db", 404)
        self.get("/docs/other.js", 404)


class B_Story(Explanations, ContractCase):
    @classmethod
    def setUpClass(cls):
        docs = cls.folder_for()
        for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
            with open(f"{docs}/{name}", "w") as f:
                f.write(f"/* {name} */")
        cls.server = cls.server_for("--docs-dir", docs).start()
        cls.server.load(STORY)
        cls.server.label(LABELS)
        cls.server.score()

    # --- service -------------------------------------------------------------------------

    def test_health_and_documents(self):
        self.assertEqual(self.get("/health/live").json["status"], "live")
        ready = self.get("/health/ready").json
        self.assertEqual(ready["status"], "ready")
        self.assertEqual(self.get(f"/runs/{ready['run_id']}").json["kind"], "score")
        text = self.get("/openapi.yaml").body
        self.assertEqual(text, (contract.ROOT / "api" / "openapi.yaml").read_bytes())
        page = self.get("/docs")
        self.assertIn("default-src 'self'", page.headers["Content-Security-Policy"])
        for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
            self.assertEqual(self.get(f"/docs/{name}").body, f"/* {name} */".encode())

    def test_head_is_get_without_the_body(self):
        for path in ("/health/live", "/openapi.yaml", "/metrics"):
            head, get = self.server.ask("HEAD", path), self.server.get(path)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
            self.assertGreater(int(head.headers["Content-Length"]), 0)

    # --- scores --------------------------------------------------------------------------

    def test_top_is_sorted_and_explained(self):
        r = self.get("/scores/top?limit=1000").json
        self.assertEqual(r["run_id"], self.get("/health/ready").json["run_id"])
        self.assertFalse(r["is_stale"])
        scores = [w["score"] for w in r["scores"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        names = {w["address"]: w for w in r["scores"]}
        self.assertIn("thief", names)
        self.assertIn("a", names)
        self.assertNotIn("clean", names)
        for w in r["scores"]:
            self.assertEqual(w["level"], max(
                (m, l) for l, m in r["level_min"].items() if m <= w["score"])[1])
            self.assertTrue(w["reasons"])

    def test_top_filters(self):
        everyone = self.get("/scores/top?limit=1000").json["scores"]
        for query, keep in (
                ("level=severe", lambda w: w["level"] == "severe"),
                ("level=low", lambda w: w["level"] == "low"),
                ("category=hack", lambda w: w["category"] == "hack"),
                ("min_score=50", lambda w: w["score"] >= 50),
                ("labelled=exclude", lambda w: not w["is_labelled"]),
                ("labelled=exclude&category=mixer&min_score=1",
                 lambda w: not w["is_labelled"] and w["category"] == "mixer" and w["score"] >= 1)):
            got = self.get(f"/scores/top?limit=1000&{query}").json["scores"]
            self.assertEqual(got, [w for w in everyone if keep(w)], query)
        self.get("/scores/top?category=nonsense", 422)
        self.get("/scores/top?run_id=r20200101T000000Z-00000000", 404)

    def test_top_is_the_same_from_memory_and_from_the_store(self):
        first = self.server.score()
        memory = self.get("/scores/top?limit=1000").json
        self.assertEqual(memory["run_id"], first)
        wallets = {w["id"]: w for w in memory["scores"]}
        self.assertNotEqual(self.server.score(), first)
        stored = self.get(f"/scores/top?limit=1000&run_id={first}").json
        self.assertEqual([w["id"] for w in stored["scores"]], list(wallets))
        for w in stored["scores"]:
            for key in ("score", "level", "category", "is_labelled", "reasons", "chain", "address"):
                self.assertEqual(w[key], wallets[w["id"]][key], key)

    def test_wallet(self):
        w = self.wallet("a").json
        self.assertEqual(w["id"], f"{CHAIN}:a")
        self.assertEqual((w["state"], w["category"]), ("scored", "hack"))
        self.assertEqual((w["received"], w["sent"], w["tx_in"], w["tx_out"]), (100, 70, 1, 2))
        hack = [e for e in w["exposures"] if e["category_id"] == "hack" and e["direction"] == "receiving"]
        self.assertEqual((hack[0]["direct_value"], hack[0]["direct_share"]), (100, 1))
        self.assertEqual(w["origins"]["sources"][0]["address"], "thief")
        unknown = self.wallet("nobody").json
        self.assertEqual((unknown["state"], unknown["score"]), ("not_in_graph", None))
        self.get("/wallets/eth/0x00000000219ab540356cbb839cbe05303d7705fA", 422)
        self.get("/wallets/nochain:1/x", 422)
        self.get("/wallets/eth/0x12", 422)

    def test_exposure_and_its_interval(self):
        r = self.wallet("b", "/exposure?push=true").json
        self.assertEqual(r["exposures"], self.wallet("b").json["exposures"])
        self.assertTrue(r["push"])
        for i in r["push"]:
            self.assertLessEqual(i["low"], i["high"])
            static = [e["static_share"] for e in r["exposures"]
                      if (e["category_id"], e["direction"]) == (i["category_id"], i["direction"])]
            # a share is published as a float of 32 bits, the interval as one of 64
            self.assertGreaterEqual((static or [0])[0], i["low"] - 1e-5)
            self.assertLessEqual((static or [0])[0], i["high"] + 1e-5)
        self.assertIsNone(self.wallet("b", "/exposure").json["push"])
        nobody = self.wallet("nobody", "/exposure?push=true").json
        self.assertEqual((nobody["state"], nobody["exposures"], nobody["push"]), ("not_in_graph", [], None))
        self.get("/wallets/eth/0x12/exposure", 422)

    def test_paths_add_up(self):
        r = self.wallet("b", "/paths").json
        self.assertAlmostEqual(r["exposed_value"], 60)
        self.assertAlmostEqual(r["explained_value"] + r["residual_value"], r["exposed_value"])
        steps = r["paths"][0]["steps"]
        self.assertEqual([s["from"].split(":")[-1] for s in steps], ["thief", "a"])
        self.assertEqual([s["tx_hash"] for s in steps], ["tx1", "tx3"])
        r = self.wallet("a", "/paths?direction=sending&limit=1&hops=1&category=hack").json
        self.assertEqual(r["direction"], "sending")
        self.wallet("nobody", "/paths", 404)
        self.wallet("b", "/paths?category=nonsense", 422)

    def test_contact_where_the_ledger_carried_nothing(self):
        for query in ("", "?category=hack", "?hops=1"):
            r = self.wallet("g", "/paths" + query).json
            self.assertEqual((r["exposed_value"], r["paths"]), (0, []))
            contact, = r["contacts"]
            self.assertEqual((contact["category_id"], contact["source"].split(":")[-1]),
                             ("hack", "thief"))
            self.assertEqual((contact["hops"], contact["bottleneck_value"]), (2, 3))
            self.assertEqual([s["tx_hash"] for s in contact["steps"]], ["tx8", "tx10"])
        self.assertEqual(self.wallet("g", "/paths?category=mixer").json["contacts"], [])
        for name in ("b", "f"):  # the ledger explains these
            self.assertEqual(self.wallet(name, "/paths").json["contacts"], [])

    def test_neighbors(self):
        r = self.wallet("b", "/neighbors").json
        self.assertEqual(r["degree"], 2)
        self.assertEqual([(n["wallet"]["address"], n["value"], n["transfers"]) for n in r["neighbors"]],
                         [("a", 60, 1), ("clean", 40, 1)])
        r = self.wallet("a", "/neighbors?direction=out&limit=1").json
        self.assertEqual([n["wallet"]["address"] for n in r["neighbors"]], ["b"])
        page = r["next_page"]
        r = self.wallet("a", f"/neighbors?direction=out&limit=1&page={page}").json
        self.assertEqual([n["wallet"]["address"] for n in r["neighbors"]], ["c"])
        self.assertIsNone(r["next_page"])
        self.wallet("a", f"/neighbors?direction=in&page={page}", 422)
        self.wallet("b", f"/neighbors?direction=out&page={page}", 422)
        self.wallet("nobody", "/neighbors", 404)

    def test_transactions_of_a_wallet(self):
        r = self.wallet("a", "/transactions").json
        self.assertEqual([t["tx_hash"] for t in r["transactions"]], ["tx6", "tx3", "tx1"])
        first = r["transactions"][0]
        self.assertEqual((first["from"], first["to"], first["value"], first["memo"]),
                         (f"{CHAIN}:a", f"{CHAIN}:c", 10, "=cmd"))
        self.assertEqual(self.wallet("nobody", "/transactions").json["transactions"], [])
        self.get("/wallets/eth/0x12/transactions", 422)

    def test_subgraph_in_every_format(self):
        base = f"/subgraph?address={quote(CHAIN + ':a')}"
        for fmt, media in (("graphml", b"<graphml"), ("gexf", b"<gexf"), ("csv-nodes", b"a"),
                           ("csv-edges", b"a"), ("json", b"{")):
            r = self.get(f"{base}&format={fmt}")
            self.assertIn(media, r.body)
            self.assertGreaterEqual(int(r.headers["X-Subgraph-Nodes"]), 4)
            self.assertIn("attachment", r.headers["Content-Disposition"])
        r = self.get(f"{base}&max_nodes=2&hops=3&format=json")
        self.assertEqual((r.headers["X-Subgraph-Nodes"], r.headers["X-Subgraph-Truncated"]), ("2", "true"))
        r = self.get(f"{base}&direction=in&hops=1&edges=transfer&min_value=1&from=2017-07-14T00:00:00Z")
        self.assertEqual(r.headers["X-Subgraph-Edges"], "1")
        self.get(f"/subgraph?address={CHAIN}:nobody", 404)
        for bad in ("", "address=", "address=noaddress", "address=eip155:1", "address=eip155:1:0x12",
                    f"address={CHAIN}:a&from=2020-01-01T00:00:00Z&to=2019-01-01T00:00:00Z"):
            self.get(f"/subgraph?{bad}", 422)

    # --- screening -----------------------------------------------------------------------

    def test_screen_addresses(self):
        r = self.post("/screen", 207, {"addresses": [
            f"{CHAIN}:a", {"chain": CHAIN, "address": "nobody"}, "eip155:1:0x12", 7, {"chain": "x"}]}).json
        self.assertEqual(r["errors"], 3)
        self.assertEqual(r["results"][0], self.wallet("a").json)
        self.assertEqual(r["results"][1]["state"], "not_in_graph")
        self.assertEqual([x["error"]["pointer"] for x in r["results"][2:]],
                         ["/addresses/2", "/addresses/3", "/addresses/4"])
        self.assertEqual(self.post("/screen", 200, {"addresses": []}).json["results"], [])
        self.post("/screen", 422, {"addresses": "a"})
        self.post("/screen", 422, {"addresses": [], "more": 1})
        self.post("/screen", 400, '{"addresses":[}')
        self.post("/screen", 413, {"addresses": ["x"] * 10001})
        self.post("/screen", 415, "x", headers={"Content-Type": "text/plain"})

    def test_screen_transfers_writes_nothing(self):
        before = self.get("/ingestion/status").json["totals"]
        one = {"chain": CHAIN, "from": "a", "to": "fresh", "value": 20}
        r = self.post("/screen", 200, one).json["results"][0]
        self.assertEqual(r["transfer"]["carries"], [{"category_id": "hack", "share": 1, "value": 20}])
        self.assertEqual(r["to"]["state"], "not_in_graph")
        self.assertEqual(r["transfer"]["score"], self.wallet("a").json["score"])
        r = self.post("/screen", 207, [one, {"chain": CHAIN, "from": "a"}, one | {"value": -1}]).json
        self.assertEqual(r["errors"], 2)
        r = self.post("/screen", 200, {"transactions": [one, one]}).json
        self.assertEqual(len(r["results"]), 2)
        r = self.post("/screen", 200, one | {"from": "fresh1", "to": "fresh2"}).json["results"][0]
        self.assertEqual((r["transfer"]["score"], r["transfer"]["level"], r["transfer"]["carries"]),
                         (None, "unknown", None))
        self.assertEqual(self.get("/ingestion/status").json["totals"], before)

    # --- jobs ----------------------------------------------------------------------------

    def test_jobs_are_watched(self):
        r = self.post("/reload-graph", 202)
        location = r.headers["Location"]
        self.assertEqual(location, f"/runs/{r.json['id']}")
        self.server.wait(lambda: self.get(location).json["status"] == "complete")
        done = self.get(location).json
        self.assertEqual((done["kind"], done["progress"], done["error"]), ("reload", None, None))
        self.assertEqual(self.post("/reload-graph?wait=true", 200).json["status"], "complete")
        scored = self.post("/run-score?wait=true", 200).json
        self.assertEqual(scored["scored"] > 0, True)
        self.assertEqual(self.get("/runs").json["runs"][0]["id"], scored["id"])
        self.get("/runs/r20200101T000000Z-00000000", 404)
        self.get("/runs/not_an_id!", 404)

    def test_runs_page(self):
        for _ in range(3):
            self.server.post("/reload-graph?wait=true")
        everything = [r["id"] for r in self.get("/runs?limit=1000").json["runs"]]
        paged, page = [], ""
        while True:
            r = self.get(f"/runs?limit=2{page}").json
            paged += [x["id"] for x in r["runs"]]
            if r["next_page"] is None:
                break
            page = f"&page={r['next_page']}"
        self.assertEqual(paged, everything)
        self.assertEqual(everything, sorted(everything, reverse=True))

    # --- records -------------------------------------------------------------------------

    def test_labels(self):
        r = self.get("/labels").json["labels"]
        self.assertEqual({(x["address"], x["category"]) for x in r}, set(LABELS))
        self.assertTrue(all(x["is_in_graph"] and x["confidence"] == 100 for x in r))
        one = self.get(f"/labels?chain={CHAIN}&address=thief").json["labels"]
        self.assertEqual([x["category"] for x in one], ["hack"])
        self.assertEqual(len(self.get("/labels?category=mixer&source=test").json["labels"]), 1)
        self.assertEqual(self.get("/labels?source=other").json["labels"], [])
        first = self.get("/labels?limit=2").json
        rest = self.get(f"/labels?limit=2&page={first['next_page']}").json
        self.assertEqual(first["labels"] + rest["labels"], r)
        for bad in ("address=thief", "chain=eth&address=0x12", "chain=nochain:1", "category=none", "source="):
            self.get(f"/labels?{bad}", 422)

    def test_page_tokens_belong_to_their_list(self):
        token = self.get("/labels?limit=1").json["next_page"]
        for path in ("/runs", "/scores/top", f"/wallets/{CHAIN}/a/neighbors",
                     f"/wallets/{CHAIN}/a/transactions", "/ingestion/status"):
            self.get(f"{path}?page={token}", 422)
            self.get(f"{path}?page=nonsense", 422)


class C_Writing(ContractCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for().start()

    def balance(self):
        r = self.get("/ingestion/status").json
        self.assertTrue(r["totals"]["is_balanced"])
        for s in r["sources"]:
            self.assertEqual(s["records"], s["inserted"] + s["duplicates"] + s["dead"])
            self.assertEqual(s["next_offset"], s["records"])
        return r["totals"]

    def test_single_records(self):
        one = transfer(100, "x", "y", 1)
        r = self.post("/transactions", 201, one).json
        self.assertEqual(r["results"], [{"index": 0, "result": "inserted", "transfers": 1, "errors": []}])
        self.assertEqual(self.post("/transactions", 200, one).json["duplicates"], 1)
        r = self.post("/transactions", 409, one | {"value": 2}).json
        self.assertEqual((r["code"], r["errors"][0]["pointer"]), ("conflict", "/body/tx_hash"))
        r = self.post("/transactions", 422, one | {"value": -1, "tx_hash": "other", "time": "noon"}).json
        self.assertEqual({e["pointer"] for e in r["errors"]}, {"/body/value", "/body/time"})
        self.balance()

    def test_lists_answer_for_each_item(self):
        before = self.balance()
        many = [transfer(200, "x", "y", 1), transfer(200, "x", "y", 1), transfer(200, "x", "y", 3),
                {"chain": CHAIN}, "no object", transfer(201, "x", "x", 1)]
        r = self.post("/transactions", 207, many).json
        self.assertEqual([x["result"] for x in r["results"]],
                         ["inserted", "duplicate", "conflict", "rejected", "rejected", "inserted"])
        self.assertTrue(all(x["errors"] for x in r["results"][2:5]))
        after = self.balance()
        self.assertEqual([after[k] - before[k] for k in ("records", "inserted", "duplicates", "dead")],
                         [6, 2, 1, 3])
        self.post("/transactions", 201, {"transactions": [transfer(202, "x", "y", 1)]})
        self.post("/transactions", 200, [])

    def test_dead_letters_keep_the_record_and_its_reason(self):
        self.post("/transactions", 207, [{"chain": CHAIN, "from": "x", "to": "y", "time": 1500000000,
                                          "value": "NaN", "tx_hash": "dead1"}])
        text = "encode(raw, 'escape')" if IS_POSTGRES else "cast(raw as text)"
        row = self.server.sql(f"select {text}, field, reason from dead_letters order by dead_id desc limit 1")[0]
        self.assertIn("dead1", row[0])
        self.assertEqual(row[1], "value")
        self.assertIn("NaN", row[2])

    def test_utxo_transaction_is_one_item(self):
        tx = {"chain": "BTC", "txid": "ab" * 32, "time": 1500000000,
              "inputs": [{"address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "value": 0.5}],
              "outputs": [{"address": "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX", "value": 0.2},
                          {"address": "1HLoD9E4SDFFPDiYfNYnkBLQ85Y51J3Zb1", "value": 0.3}]}
        r = self.post("/transactions", 201, tx).json
        self.assertEqual(r["results"][0]["transfers"], 3)
        self.assertEqual(self.post("/transactions", 200, tx).json["duplicates"], 1)
        r = self.get("/wallets/BTC/1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa/transactions").json
        self.assertEqual(r["transactions"][0]["amount"], "50000000")

    def test_bodies_that_are_no_records(self):
        for bad in ("", "nonsense", "[1", '{"a":', "[]x"):
            self.assertIn(self.server.post("/transactions", bad).status, (400, 422), bad)
        self.post("/transactions", 400, '[{"a":1}')
        self.post("/transactions", 415, "{}", headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.post("/transactions", 413, [transfer(i, "x", "y", 1) for i in range(10001)])

    def test_a_batch_is_stored_whole(self):
        many = random_transfers(10000, 500, seed=5, first=10000)
        r = self.post("/transactions", 201, many).json
        self.assertEqual(r["inserted"], 10000)
        self.assertEqual(self.post("/transactions", 200, many).json["duplicates"], 10000)
        wallet = many[0]["from"]
        seen, page = [], ""
        while page is not None:
            r = self.get(f"/wallets/{CHAIN}/{wallet}/transactions?limit=7{page}").json
            seen += [t["tx_hash"] for t in r["transactions"]]
            page = r["next_page"] and f"&page={r['next_page']}"
        want = [t["tx_hash"] for t in many if wallet in (t["from"], t["to"])]
        self.assertEqual(seen, want[::-1])


class D_Failures(ContractCase):
    """Jobs that fail, a run that cannot be restored: said, and survived."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for().start()
        cls.server.load(STORY)
        cls.server.label(LABELS)
        cls.server.score()

    def test_a_second_job_gets_the_first_ones_id(self):
        self.server.load(random_transfers(20000, 4000, seed=1, first=1000))
        for kind in ("/run-score", "/reload-graph"):
            for _ in range(50):
                a, b = self.server.post(kind), self.server.post(kind)
                if b.status == 409:
                    break
                self.server.wait(lambda: self.get(f"/runs/{b.json['id']}").json["status"] != "running")
            contract.check("POST", kind, a)
            contract.check("POST", kind, b)
            self.assertEqual(b.status, 409)
            self.assertEqual(b.json["run_id"], a.json["id"])
            self.assertEqual(b.headers["Location"], f"/runs/{a.json['id']}")
            self.server.wait(lambda: self.get(f"/runs/{a.json['id']}").json["status"] == "complete")

    def test_a_failed_job_leaves_what_serves(self):
        before = self.get("/scores/top").json
        self.server.sql("alter table risk_scores rename to risk_scores_away")
        try:
            r = self.post("/run-score?wait=true", 500).json
        finally:
            self.server.sql("alter table risk_scores_away rename to risk_scores")
        self.assertEqual(self.get(f"/runs/{r['run_id']}").json["status"], "failed")
        self.assertTrue(self.get(f"/runs/{r['run_id']}").json["error"])
        self.server.sql("alter table wallets rename to wallets_away")
        try:
            self.post("/reload-graph?wait=true", 500)
        finally:
            self.server.sql("alter table wallets_away rename to wallets")
        self.assertEqual(self.get("/scores/top").json, before)
        self.post("/run-score?wait=true", 200)

    def test_a_run_that_cannot_be_restored_is_not_passed_over(self):
        key = self.get("/health/ready").json["run_id"]
        self.server.sql(f"update scoring_runs set output_digest = '{'0' * 64}' where id = '{key}'")
        self.server.stop()
        self.server.start(is_ready=False)
        self.server.wait(lambda: self.server.get("/health/ready").json["scores"] == "failed")
        self.get("/health/ready", 503)
        for path in ("/scores/top", f"/wallets/{CHAIN}/a", f"/wallets/{CHAIN}/a/exposure",
                     f"/wallets/{CHAIN}/a/paths", f"/wallets/{CHAIN}/a/neighbors",
                     f"/wallets/{CHAIN}/a/explanation",
                     f"/subgraph?address={CHAIN}:a"):
            self.assertIn("POST /run-score", self.get(path, 503).json["detail"])
        self.post("/screen", 503, {"addresses": [f"{CHAIN}:a"]})
        self.post("/run-score?wait=true", 200)
        self.get("/scores/top")
        self.get("/health/ready")


class E_Parameters(ContractCase):
    """Each query parameter at, below and above its limits, as openapi.yaml states them."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for().start()
        cls.server.load(STORY)
        cls.server.label(LABELS)
        cls.server.score()

    BASE = {"/subgraph": f"address={CHAIN}:a", "/reload-graph": "wait=true", "/run-score": "wait=true"}

    def cases(self, schema):
        """(value, is it good) by the schema of one parameter."""
        if "enum" in schema:
            return [(v, True) for v in schema["enum"]] + [("nonsense", False), ("", False)]
        if schema["type"] == "boolean":
            return [("true", True), ("false", True), ("1", False), ("", False)]
        if schema["type"] in ("integer", "number"):
            low, high = schema["minimum"], schema["maximum"]
            good = [(low, True), (high, True)]
            return good + [(low - 1, False), (high * 10 + 1, False), ("x", False), ("", False), ("1e999", False)]
        if schema.get("format") == "date-time":
            return [("2017-07-14T02:40:00Z", True), ("noon", False), ("", False)]
        return [("x" * (schema.get("maxLength", 512) + 1), False), ("", False)]

    def test_every_parameter_at_its_limits(self):
        count = 0
        for template, methods in contract.DOCUMENT["paths"].items():
            path = template.replace("{chain}", CHAIN).replace("{address}", "a").replace("{id}", "r-1")
            for method in methods:
                for name, schema in contract.parameters(template, method).items():
                    for value, is_good in self.cases(schema):
                        base = self.BASE.get(template, "")
                        if f"{name}=" in base:
                            base = ""
                        query = f"{name}={quote(str(value))}" + (f"&{base}" if base else "")
                        r = contract.check(method.upper(), f"{path}?{query}",
                                           self.server.ask(method.upper(), f"{path}?{query}"))
                        where = f"{method} {path}?{query[:80]}: {r}"
                        if is_good:
                            self.assertIn(r.status, (200, 202, 404, 409), where)
                        else:
                            self.assertEqual(r.status, 422, where)
                            self.assertIn(f"/query/{name}", [e["pointer"] for e in r.json["errors"]], where)
                        count += 1
        self.assertGreater(count, 150)

    def test_unknown_and_repeated_parameters(self):
        for template, methods in contract.DOCUMENT["paths"].items():
            path = template.replace("{chain}", CHAIN).replace("{address}", "a").replace("{id}", "r-1")
            for method in methods:
                more = {"body": "{}"} if "requestBody" in methods[method] else {}
                r = self.judge(method.upper(), f"{path}?nonsense=1", 400, **more)
                self.assertEqual(r.json["errors"][0]["pointer"], "/query/nonsense")
                for name in contract.parameters(template, method):
                    self.judge(method.upper(), f"{path}?{name}=1&{name}=1", 400, **more)

    def test_methods_of_every_route(self):
        for template, methods in contract.DOCUMENT["paths"].items():
            path = template.replace("{chain}", CHAIN).replace("{address}", "a").replace("{id}", "r-1") \
                           .replace("{file}", "start.js")
            allowed = {m.upper() for m in methods} | ({"HEAD"} if "get" in methods else set())
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                if method in allowed:
                    continue
                r = contract.check(method, path, self.server.ask(method, path))
                self.assertEqual(r.status, 405, f"{method} {path}")
                self.assertEqual(set(r.headers["Allow"].split(", ")), allowed)


class F_Metrics(ContractCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for().start()

    def test_exposition_is_well_formed(self):
        """A strict reader of text format 0.0.4, and promtool."""
        import prometheus_text
        self.server.get("/health/live")
        self.server.get("/nowhere")
        # a request is counted when its answer has been sent, by another thread than ours
        self.server.wait(lambda: 'route="none",status="404"' in self.get("/metrics").body.decode())
        body = self.get("/metrics").body.decode()
        metrics = prometheus_text.parse(body)
        requests = metrics["walletrisk_http_requests_total"]
        self.assertEqual(requests.type, "counter")
        self.assertGreaterEqual(requests.value(method="GET", route="/health/live", status="200"), 1)
        self.assertGreaterEqual(requests.value(method="any", route="none", status="404"), 1)
        self.assertGreaterEqual(metrics["walletrisk_http_worker_stack_bytes"].value(), 1 << 20)
        self.assertEqual(metrics["walletrisk_store_up"].value(), 1)
        self.assertLess(abs(metrics["process_start_time_seconds"].value() - time.time()), 600)
        prometheus_text.promtool(body)


class Z_Coverage(unittest.TestCase):
    def test_every_promised_answer_was_judged(self):
        if len(contract.SEEN) < 40:
            self.skipTest("only part of the suite has run")
        missing = sorted(set(contract.promised()) - contract.SEEN)
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The live graph when the server dies, the delta is folded, or the store does not answer."""
import pathlib, signal, subprocess, time, unittest
from http.client import HTTPException
import api_server, prometheus_text
from api_live import LiveCase, Turning, exact
from api_server import CHAIN, IS_POSTGRES, ROOT, random_transfers, transfer

LABELS = [("w1", "hack"), ("w2", "sanctions"), ("w3", "exchange"), ("w4", "mixer")]
NAMES = [f"w{i}" for i in range(130)]
BEHIND_MAX_S = 10  # WR_LIVE_BEHIND_MAX_S
LIVE_METRICS = {  # name -> member of "live"
    "following": "is_following", "seq": "last_seq", "store_seq": "store_seq",
    "applied_transfers": "applied_since_run", "wallets_not_exact": "wallets_not_exact",
    "all_stale": "is_all_stale", "delta_transfers": "delta_transfers", "bytes": "bytes",
    "bytes_max": "bytes_max", "own_runs_total": "own_runs", "folds_total": "folds"}


class FaultCase(LiveCase):
    def start(self, *flags):
        self.server = self.server_for(*flags).start()
        self.server.load(random_transfers(400, 100, seed=31))
        self.server.label(LABELS)
        self.server.score()

    def answers(self):
        """Patterns included, which come a second or two behind."""
        self.wait_applied()
        self.server.wait(lambda: self.live()["typologies"]["waiting_transfers"] == 0)
        return self.screen(NAMES)


class A_Restart(FaultCase):
    """Killed in the middle of a stream: what was stored is in the answers, once."""

    def restart(self, how):
        self.server.stop(how)
        self.server.start()
        self.server.wait(lambda: self.get("/health/ready")["scores"] == "loaded")

    def test_killed_and_stopped_while_transfers_come(self):
        self.start()
        server, n = self.server, [1000]

        def write(_):
            batch = random_transfers(20, 120, seed=n[0], first=n[0])
            n[0] += 20
            server.load(batch)

        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            writer = Turning(write)
            server.wait(lambda: writer.turns >= 5)
            server.stop(how)
            with self.assertRaises((OSError, HTTPException, AssertionError)):  # it found nobody there, or 503
                server.wait(lambda: writer.error is not None)
                Turning.end_all([writer])
            server.start()
            server.wait(lambda: self.get("/health/ready")["scores"] == "loaded")
            before = self.answers()
            count = int(server.sql("select count(*) from transactions")[0][0])
            self.assertEqual(sum(a.get("tx_in", 0) for a in before.values()), count)
            for again in (signal.SIGTERM, signal.SIGKILL):
                self.restart(again)
                self.assertEqual(self.answers(), before)
        self.assert_equals_a_run(NAMES, 50)


class B_Folding(FaultCase):
    def test_a_delta_that_has_grown_is_folded(self):
        self.start("--live-fold-rows", "1000")
        self.assertEqual(self.live()["folds"], 0)
        transfers = random_transfers(6000, 130, seed=32, first=1000)
        for at in range(0, 6000, 500):
            self.put(transfers[at:at + 500])
        self.server.wait(lambda: self.live()["applied_since_run"] == 6000)
        self.server.wait(lambda: self.live()["folds"] >= 2)
        self.server.wait(lambda: self.live()["delta_transfers"] < 2500)
        self.assertIsNone(self.live()["error"])
        everybody = self.screen(NAMES)
        self.assertEqual(sum(a["tx_in"] for a in everybody.values()), 6400)
        runs = self.get("/runs?limit=100")["runs"]
        self.assertEqual(len(runs), 1)  # a fold is no job of anybody's
        self.assert_equals_a_run(NAMES, 125)


class C_StoreGone(FaultCase):
    @classmethod
    def setUpClass(cls):
        if IS_POSTGRES:  # one of its own: others use the one that is given
            cls.pg = pathlib.Path(cls.folder_for()) / "pg"
            cls.addClassCleanup(cls.pg_sh, "stop")
            cls.addClassCleanup(setattr, api_server, "PG_DSN", api_server.PG_DSN)
            api_server.PG_DSN = cls.pg_sh("start").strip()

    @classmethod
    def pg_sh(cls, verb):
        return subprocess.run([ROOT / "tests/support/pg.sh", verb, cls.pg], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def take_away(self):
        if IS_POSTGRES:
            self.pg_sh("crash")
        else:
            self.server.sql("alter table transactions rename to transactions_away")

    def bring_back(self):
        if IS_POSTGRES:
            self.pg_sh("up")
        else:
            self.server.sql("alter table transactions_away rename to transactions")

    def test_answers_go_on_and_say_so(self):
        self.start()
        self.put(random_transfers(50, 100, seed=33, first=1000))
        before = self.answers()
        self.assertIn("scored", {a["state"] for a in before.values()})
        gone = time.monotonic()
        self.take_away()
        self.server.wait(lambda: self.server.get("/health/ready").status == 503)
        ready = self.get("/health/ready")
        self.assertEqual((ready["store"], ready["scores"]), ("failed", "loaded"))
        self.server.wait(lambda: self.get("/health/ready")["live"]["error"])
        if time.monotonic() < gone + BEHIND_MAX_S - 2:
            self.assertEqual(self.screen(NAMES), before)
        self.server.wait(lambda: self.wallet("w5")["state"] == "stale", BEHIND_MAX_S + 15)
        self.assertGreater(time.monotonic() - gone, BEHIND_MAX_S - 1)
        during = self.screen(NAMES)
        for n, a in before.items():
            want = "stale" if a["state"] == "scored" else a["state"]
            self.assertEqual(during[n]["state"], want)
            if "received" in a:
                self.assertEqual(exact(during[n]), exact(a))
                self.assertFalse(during[n]["live"]["is_exact"])
        self.assertGreater(self.get("/health/ready")["live"]["behind_s"], BEHIND_MAX_S)
        metrics = prometheus_text.parse(self.server.get("/metrics").body.decode())
        self.assertGreater(metrics["walletrisk_live_behind_seconds"].value(), BEHIND_MAX_S)
        self.bring_back()
        self.server.wait(lambda: self.server.get("/health/ready").status == 200, 60)
        self.server.wait(lambda: self.wallet("w5")["state"] == before["w5"]["state"], 60)
        self.assertEqual(self.screen(NAMES), before)
        self.put(random_transfers(50, 120, seed=34, first=2000))
        self.assertIsNone(self.live()["error"])
        self.assert_equals_a_run(NAMES, 50)


class D_Metrics(FaultCase):
    def test_the_same_numbers_in_both_places(self):
        self.server = self.server_for().start()
        self.assertEqual(self.live()["is_following"], False)
        self.assertIsNone(self.live()["last_seq"])
        self.check(self.read())
        self.server.load(random_transfers(100, 50, seed=35))
        self.server.label(LABELS)
        self.server.score()
        self.put(random_transfers(100, 60, seed=36, first=500))
        self.label_and_wait(lambda: self.server.label([("w5", "hack")]))
        live, metrics = self.read()
        self.check((live, metrics))
        self.assertEqual((live["applied_since_run"], live["delta_transfers"]), (100, 100))
        self.assertGreater(live["wallets_not_exact"], 0)
        self.assertEqual(live["seq_behind"], 0)
        # HTTP keeps no offsets: no partition, no lag, no metric
        self.assertEqual([m for m in metrics if m.startswith("walletrisk_ingestion_")], [])

    def read(self):
        live = self.live()
        text = self.server.get("/metrics").body.decode()
        prometheus_text.promtool(text)
        return live, prometheus_text.parse(text)

    def check(self, both):
        live, metrics = both
        for name, member in LIVE_METRICS.items():
            m = metrics[f"walletrisk_live_{name}"]
            self.assertEqual(m.value(), float(live[member] or 0), name)
            self.assertEqual(m.type, "counter" if name.endswith("_total") else "gauge")
        self.assertGreaterEqual(metrics["walletrisk_live_behind_seconds"].value(), 0)
        parts = metrics["walletrisk_memory_part_bytes"]
        graph, graph_of_run, run, of_live = (parts.value(part=p) for p in ("graph", "graph_of_run", "run", "live"))
        run_id = self.server.get("/health/ready").json["run_id"]
        self.assertGreater(graph, 0)
        self.assertEqual(run > 0, run_id is not None)
        self.assertGreaterEqual(graph_of_run, 0)
        self.assertEqual(of_live, live["bytes"])
        self.assertLess(graph + graph_of_run + run + of_live, metrics["walletrisk_heap_bytes"].value())
        scored = self.server.get(f"/runs/{run_id}").json["wallets"] if run_id else 0
        self.assertEqual(metrics["walletrisk_run_wallets"].value(), scored)


class E_OwnRuns(FaultCase):
    """A live state that is too large makes the server score a run of its own."""

    def started(self):
        """Ids of its own runs, as logged."""
        return [line.split("id=")[1].split()[0] for line in self.server.log.read_text().splitlines()
                if " run_started " in line]

    def refused_by_its_own(self, begun):
        """Location of the run that is under way, when POST /run-score met one of its own."""
        until = time.monotonic() + 2
        while time.monotonic() < until:
            if self.live()["own_runs"] > begun:
                r = self.server.post("/run-score")
                where = r.headers["Location"]
                if r.status == 409:
                    self.assertEqual(r.json["run_id"], where.removeprefix("/runs/"))
                    return where
                self.server.wait(lambda: self.get(where)["status"] == "complete", 120)
                return None
        return None

    def test_it_begins_anew_and_nothing_is_lost_or_counted_twice(self):
        self.start("--live-state-mb", "1")
        live, first, where = self.live(), self.get("/health/ready")["run_id"], None
        self.assertEqual((live["bytes_max"], live["own_runs"]), (1000000, 0))
        wallets, n = 2000, 1000
        while where is None:
            begun = self.live()["own_runs"]
            self.server.load(random_transfers(2000, wallets, seed=n, first=n))
            n, wallets = n + 2000, wallets + 1000
            self.assertLess(n, 50000)
            where = self.refused_by_its_own(begun)
        self.assertIn(where.removeprefix("/runs/"), self.started())
        self.server.wait(lambda: self.get(where)["status"] == "complete", 120)
        self.wait_applied()
        self.assertLess(self.live()["applied_since_run"], n - 1000)  # begun anew
        self.assertNotEqual(self.get("/health/ready")["run_id"], first)
        self.assertRegex(self.server.log.read_text(), r'reason="live state \d+ MB of 1"')
        count = int(self.server.sql("select count(*) from transactions")[0][0])
        names = [f"w{i}" for i in range(wallets)]
        answers = {k: a for at in range(0, wallets, 5000)
                   for k, a in self.screen(names[at:at + 5000]).items()}
        self.assertEqual(sum(a.get("tx_in", 0) for a in answers.values()), count)
        self.assert_equals_a_run(names[:2000], 1000)
        metrics = prometheus_text.parse(self.server.get("/metrics").body.decode())
        self.assertGreaterEqual(metrics["walletrisk_live_own_runs_total"].value(), 1)
        self.assertEqual(metrics["walletrisk_live_own_runs_failed_total"].value(), 0)


if __name__ == "__main__":
    unittest.main()

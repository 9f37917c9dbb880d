#!/usr/bin/env python3
"""kill -9 the ingest a hundred times at random points on each store: nothing lost, nothing twice.

A file with duplicates and bad records is loaded in small batches by lives that end by
SIGKILL; when it is complete, a new store begins, until there were enough kills.  Each
store must hold what an undisturbed load holds: rows and wallets in the same order (ids may
leave gaps), dead letters, counters, position, and the same digest of the graph.
"""
import hashlib, json, os, random, subprocess, sys, time, unittest
from main_job import BIN, Case, pg_store, sqlite_store

KILLS = int(os.environ.get("WALLETRISK_TEST_KILLS", "100"))
PAYMENTS = 60_000
SECONDS_MAX = 110  # of one store; ends early, and says so, on a machine that is too slow


def make_file(path):
    """Simulated transfers; every 89th comes twice, every 97th is broken."""
    lines = subprocess.run([BIN / "walletrisk-ingest", "simulate", "--transfers", str(PAYMENTS),
                            "--incidents", "20", "--seed", "5"], check=True,
                           capture_output=True).stdout.splitlines(keepends=True)
    out, twice, bad = [lines[0]], 0, 0
    for i, line in enumerate(lines[1:], 1):
        out.append(line)
        if i % 89 == 0:
            out.append(line)
            twice += 1
        if i % 97 == 0:
            out.append(line.replace(b",USD,", b",USD,x"))
            bad += 1
    path.write_bytes(b"".join(out))
    return twice, bad


def digest(rows):
    h = hashlib.sha256()
    for r in rows:
        h.update(repr(r).encode())
    return len(rows), h.hexdigest()


def content(store):
    """What must be equal, table by table."""
    transfers = [tuple(sorted(t.items())) for t in store.transfers()]
    raw = "hex(raw)" if store.dsn.startswith("sqlite") else "upper(encode(raw, 'hex'))"
    return {
        "transfers": digest(transfers),
        "wallets": digest(store.rows("select c.caip2, w.address from wallets w join chains c "
                                     "on c.chain_id = w.chain_id order by w.wallet_id")),
        "assets": digest(store.rows("select asset, decimals from assets order by asset_id")),
        "dead": digest(store.rows(f"select source, position, field, reason, raw_bytes, {raw} "
                                  "from dead_letters order by dead_id")),
        "state": store.rows("select source, partition, next_offset, resume, status, last_error, "
                            "records, gaps, inserted, duplicates, dead from ingestion_state"),
        "graph": store.json("walletrisk", "score", "--json")["graph_digest"],
    }


class Killed(Case):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "in.csv"
        self.twice, self.bad = make_file(self.path)
        self.rng = random.Random(20260101)

    def clean(self, store):
        rep = store.json("walletrisk-ingest", "file", self.path, "--json",
                         env={"WALLETRISK_BATCH_ROWS": "500"})
        self.assertEqual((rep["records"], rep["inserted"], rep["duplicates"], rep["dead"]),
                         (PAYMENTS + self.twice + self.bad, PAYMENTS, self.twice, self.bad))
        return content(store), rep["seconds"]

    def life(self, store, seconds):
        """True when it was killed, False when it came to its end."""
        env = dict(os.environ, WALLETRISK_DSN=store.dsn, WALLETRISK_BATCH_ROWS="500")
        with subprocess.Popen([BIN / "walletrisk-ingest", "file", self.path], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            try:
                out, _ = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                out, _ = child.communicate()
                return True
        self.assertEqual(child.returncode, 0, out)
        return False

    def records(self, store):
        state = store.rows("select records from ingestion_state")
        return int(state[0][0]) if state else 0

    def check_store(self, kind, make):
        want, clean_s = self.clean(make(0))
        kills = rounds = useful = 0
        longest_s = 0.1 + 2 * clean_s / KILLS
        begun = time.monotonic()
        while kills < KILLS and time.monotonic() - begun < SECONDS_MAX:
            rounds += 1
            store = make(rounds)
            before = 0
            while self.life(store, self.rng.uniform(0.005, longest_s)):
                kills += 1
                now = self.records(store)
                self.assertGreaterEqual(now, before)  # what was stored stays
                useful += now > before
                # about half of the kills behind new rows, the others while it starts and skips
                longest_s *= 0.92 if now > before else 1.08
                before = now
            got = content(store)
            for table in want:
                self.assertEqual(got[table], want[table], f"{kind}: {table} after {kills} kills")
            store.run("walletrisk", "doctor")
            store.run("walletrisk-ingest", "status")
        took = time.monotonic() - begun
        print(f"{kind}: {kills} kills in {rounds} loads, {useful} behind new rows; {rounds} stores "
              f"equal a clean load ({want['transfers'][0]} transfers, {want['wallets'][0]} wallets, "
              f"{want['dead'][0]} dead letters); {took:.0f} s", file=sys.stderr)
        self.assertGreaterEqual(kills, KILLS, "the machine was too slow")
        self.assertGreater(useful, kills // 4)
        return want

    def test_sqlite_and_postgresql(self):
        lite = self.check_store("sqlite", lambda n: sqlite_store(self.folder, f"k{n}.db"))
        post = self.check_store("postgresql", lambda n: pg_store(f"faults_{n}"))
        self.assertEqual(lite, post)  # and both stores hold the same


if __name__ == "__main__":
    unittest.main()

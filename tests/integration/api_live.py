"""What the tests of the live graph share: answers, waiting, and what may be compared."""
import json, threading
import api_contract as contract
from api_server import CHAIN, Case

# Of a wallet, what stands on the receiving ledger and the counters: exact while it is `scored`.
EXACT = ("received", "balance", "unknown_share", "max_transfer_share", "tx_in", "tx_out",
         "counterparties_in", "counterparties_out", "first_seen", "last_seen", "own_label",
         "is_labelled")
EXPOSED = ("direct_value", "indirect_value", "total_value", "direct_share", "indirect_share",
           "holdings_share", "min_hops", "mean_hops")


def exposures(answer, direction="receiving"):
    """category -> what the ledger knows of it; static shares are the run's."""
    return {e["category_id"]: {k: e[k] for k in EXPOSED} for e in answer["exposures"]
            if e["direction"] == direction and e["direct_value"] + e["indirect_value"] > 0}


def exact(answer):
    return {k: answer[k] for k in EXACT} | {"exposures": exposures(answer)}


class LiveCase(Case):
    def get(self, path, **more):
        return contract.check("GET", path, self.server.get(path, **more)).json

    def post(self, path, body=None, **more):
        return contract.check("POST", path, self.server.post(path, body, **more)).json

    def wallet(self, name):
        return self.get(f"/wallets/{CHAIN}/{name}")

    def screen(self, names):
        """name -> answer, of one request."""
        r = self.post("/screen", {"addresses": [f"{CHAIN}:{n}" for n in names]})["results"]
        return dict(zip(names, r))

    def live(self):
        return self.get("/ingestion/status")["live"]

    def stored_seq(self):
        return int(self.server.sql("select max(seq) from transactions")[0][0])

    def wait_applied(self):
        """All that the store has is in the answers."""
        want = self.stored_seq()
        self.server.wait(lambda: (self.live()["last_seq"] or 0) >= want)

    def put(self, transfers):
        self.server.load(transfers)
        self.wait_applied()

    def label_and_wait(self, change):
        """After change(), until the live state has seen the labels' new revision."""
        before = self.live()["wallets_not_exact"]
        change()
        self.server.wait(lambda: self.live()["wallets_not_exact"] != before)

    def states(self, names):
        return {n: a["state"] for n, a in self.screen(names).items()}

    def assert_equals_a_run(self, names, least_scored):
        """Who says `scored` now says the same numbers when all has been computed anew."""
        before = self.screen(names)
        self.server.score()
        after = self.screen(names)
        count = 0
        for n in names:
            self.assertNotEqual(after[n]["state"], "stale", n)
            if before[n]["state"] == "scored":
                self.assertEqual(exact(before[n]), exact(after[n]), n)
                count += 1
            elif before[n]["state"] == "not_in_graph":
                self.assertEqual(after[n]["state"], "not_in_graph", n)
        self.assertGreaterEqual(count, least_scored)
        return before, after


class Turning(threading.Thread):
    """Does something again and again until told to stop; end_all() tells what went wrong."""

    def __init__(self, turn):
        super().__init__()
        self.turn, self.turns, self.error = turn, 0, None
        self.is_over = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.is_over.is_set():
                self.turn(self.turns)
                self.turns += 1
        except Exception as e:  # for the thread that joins
            self.error = e

    @staticmethod
    def end_all(threads):
        """How often each turned."""
        for t in threads:
            t.is_over.set()
        for t in threads:
            t.join()
        for t in threads:
            if t.error:
                raise t.error
        return [t.turns for t in threads]


def screened(server, connection, source, target):
    """Both ends of a proposed transfer, of one moment."""
    body = json.dumps({"chain": CHAIN, "from": source, "to": target, "value": 1})
    r = server.post("/screen", body, connection=connection).json["results"][0]
    return r["from"], r["to"]

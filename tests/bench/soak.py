#!/usr/bin/env python3
"""A steady rate through the whole chain, for as long as you like, watched all the time.

    tests/bench/soak.py [--minutes 30] [--rate 11000] [--store postgresql|sqlite] [--partitions 4]
                        [--days 90] [--score-at 20] [--every 10] [--fold-rows N] [--live-state-mb N]

simulator -> produce -> Kafka -> consumer -> store -> live graph of the API.  A run is scored
while the stream flows (--score-at seconds after its begin); the live state grows from there,
until it passes --live-state-mb and the server scores a run of its own.
Every 10 s a line: memory, lag, what the live state says of itself.  At the end PASS or FAIL
for each of:

  stored      every transfer that was produced is stored once; no dead letters
  lag         is 0, and the live state has everything
  ledger      `walletrisk-ingest status` finds that every partition adds up
  exact       no wallet of the live state is marked `not exact`
  live        200 wallets answer the same before and after a new run (those that were `scored`)
  lag flat    the largest lag of a sample stays below 2 s of the stream
  memory      consumer flat (slope over the second half of what came after the first fold, once its
              cache of wallets is full; judged when 2 million transfers have come since) and below
              200 MB;
              the API, beside what it serves and says the size of (walletrisk_memory_part_bytes:
              graphs, run, live state), flat as well: slope over the least of each two minutes, as
              a fold or a run works with more for a while.  By resident pages and by the
              allocator's count: ends of arrays that nobody has touched are said, but not
              resident, so that resident pages alone could hide a growth;
              what it serves bounded: two graphs (the newest and the run's), so many bytes for each
              transfer, the run's results for each wallet, the live state never beyond twice its
              bound (it grows on while a run is scored);
              the API never beyond twice what it serves, while a run is scored or not

The exit code is 1 when one of them fails.  The stream is the simulator's: times never
decrease, and start in the past (2025-01-01) because times in the future are refused.
"""
import argparse, json, random, time
from chain import Chain, Http, rss_mb

CONSUMER_MB = 200
CONSUMER_SLOPE_MB = 1      # per million transfers: none
REST_SLOPE_MB = 5          # of the API beside what it serves, per million transfers
PROGRAM_MB = 300           # of the API without data: code, stores, buffers, the log of late transfers
GRAPH_BYTES, GRAPH_MB = 56, 44  # for each transfer: the graph's own bound; 22 arrays in huge pages
RUN_KB, RUN_MB = 3, 32     # for each wallet that a run has scored; for the transfers it can take back
LIVE_OVER = 2              # times the bound, while a run is scored
PEAK_OVER = 2              # times what is served, while a run is scored
LEAST_OF = 12              # samples
JUDGED_FROM = 2_000_000    # transfers after the first fold: before, buffers are still filling
SAMPLE = 200
# What the live state keeps up to date, compared digit by digit (DESIGN 5.1: the receiving ledger).
LIVE_FIELDS = ("received", "balance", "tx_in", "tx_out", "counterparties_in", "counterparties_out",
               "first_seen", "last_seen", "unknown_share", "max_transfer_share")


def slope(points):
    """Least squares: MB per million transfers."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    return sum((x - mx) * (y - my) for x, y in points) / sxx if sxx else 0.0


class Soak:
    def __init__(self, c, opt):
        self.c, self.opt = c, opt
        self.total = int(opt.minutes * 60 * opt.rate)
        self.samples, self.verdicts, self.served = [], [], []

    def judge(self, name, is_good, text):
        self.verdicts.append(is_good)
        print(f"{'PASS' if is_good else 'FAIL'}  {name:9} {text}", flush=True)

    # --- the stream ---

    def start(self):
        c, opt = self.c, self.opt
        days = ["--days", opt.days]
        c.load_labels(self.total, more=days)
        c.make_topic("soak")
        self.consumer = c.spawn("consumer", *c.consumer_args("soak"))
        flags = ["--live-fold-rows", opt.fold_rows] if opt.fold_rows else []
        flags += ["--live-state-mb", opt.live_state_mb] if opt.live_state_mb else []
        self.api, url = c.start_api(*flags)
        self.http = Http(url)
        self.producer = c.spawn("producer", *c.produce_args("soak", self.total, opt.rate, more=days))
        self.begin_s = time.monotonic()

    def sample(self):
        rows, is_balanced = self.c.status()
        status = self.http.ask("GET", "/ingestion/status")
        live = status["live"]
        run_id = json.loads(self.http.send("GET", "/health/ready")[1])["run_id"]    # also of a 503
        if run_id and run_id not in self.served:
            self.served.append(run_id)
        s = {"t": time.monotonic() - self.begin_s, "stored": sum(r["inserted"] for r in rows),
             "lag": sum(r["lag"] or 0 for r in rows), "is_balanced": is_balanced,
             "is_scoring": live["own_runs"] >= max(1, len(self.served)),
             "wallets": (status["store"] or {"wallets": 0})["wallets"],
             "consumer_mb": rss_mb(self.consumer.pid)[0], "api_mb": rss_mb(self.api.pid)[0], "live": live,
             **self.memory()}
        self.samples.append(s)
        return s

    def memory(self):
        """Of the API, in MB: what it says that it holds, by part; the rest of its heap."""
        parts, value = {}, {}
        for line in self.http.send("GET", "/metrics")[1].decode().splitlines():
            name, *_, number = line.split()
            if name.startswith("walletrisk_memory_part_bytes{"):
                parts[name.split('"')[1]] = float(number) / 1e6
            elif name.startswith("walletrisk_"):
                value[name] = float(number)
        served_mb = sum(parts.values())
        return {"parts_mb": parts, "served_mb": served_mb, "rest_mb": value["walletrisk_heap_bytes"] / 1e6 - served_mb,
                "wallets_of_run": value["walletrisk_run_wallets"]}

    def show(self, s):
        live = s["live"]
        print(f"{s['t']:7.0f} {s['stored']:10} {s['lag']:7} {s['consumer_mb']:8.1f} {s['api_mb']:8.1f} "
              f"{live['behind_s'] or 0:8.3f} {live['seq_behind'] or 0:8} {live['delta_transfers']:9} {live['folds']:5} {live['own_runs']:4} "
              f"{live['wallets_moved']:9} {live['wallets_not_exact']:9} {live['out_of_order']:9} "
              f"{live['put_in_order_late']:11} {live['bytes'] / 1e6:8.1f} {live['typologies']['bytes'] / 1e6:8.1f} "
              f"{s['parts_mb']['graph'] + s['parts_mb']['graph_of_run']:8.1f} {s['parts_mb']['run']:8.1f} {s['rest_mb']:8.1f}"
              + ("  ALL STALE" if live["is_all_stale"] else "") + ("" if s["is_balanced"] else "  DOES NOT ADD UP"),
              flush=True)

    def follow(self):
        print("      s     stored     lag  cons MB   API MB behind_s   behind     delta folds runs     moved not exact "
              "too late     again     live MB patterns   graphs      run     rest")
        is_scored, next_s = False, 0.0
        while self.producer.poll() is None:
            now_s = time.monotonic() - self.begin_s
            if not is_scored and now_s >= self.opt.score_at:
                job = self.http.run_score()
                is_scored = True
                print(f"        run {job['id']}", flush=True)
            if now_s >= next_s:
                next_s = now_s + self.opt.every
                self.show(self.sample())
            for name, p in (("consumer", self.consumer), ("api", self.api)):
                if p.poll() is not None:
                    raise SystemExit(f"the {name} has ended\n{self.c.log_of(name)}")
            time.sleep(0.2)
        if self.producer.returncode != 0:
            raise SystemExit(f"produce: exit {self.producer.returncode}\n{self.c.log_of('producer')}")
        self.produced = json.loads((self.c.folder / "producer.out").read_text().splitlines()[-1])
        until = time.monotonic() + 120
        while time.monotonic() < until:
            s = self.sample()
            if s["lag"] == 0 and s["stored"] >= self.produced["delivered"] and not s["live"]["seq_behind"]:
                break
            time.sleep(0.5)
        self.show(self.samples[-1])

    # --- what must hold ---

    def check_stored(self):
        rows, is_balanced = self.c.status()
        n = {k: sum(r[k] or 0 for r in rows) for k in ("inserted", "duplicates", "dead", "lag")}
        stored = int(self.c.rows("select count(*) from transactions")[0][0])
        want = self.produced["transfers"]
        self.judge("stored", stored == n["inserted"] == want and n["duplicates"] == n["dead"] == 0,
                   f"produced {want}, in the table {stored}, counted {n['inserted']}, "
                   f"duplicates {n['duplicates']}, dead {n['dead']}")
        live = self.samples[-1]["live"]
        self.judge("lag", n["lag"] == 0 and live["seq_behind"] == 0 and live["error"] is None,
                   f"{n['lag']} messages, live state {live['seq_behind']} behind, error {live['error']}")
        self.judge("ledger", is_balanced and all(s["is_balanced"] for s in self.samples),
                   f"{len(rows)} partitions add up in {len(self.samples)} samples and at the end")

    def check_exact(self):
        live = self.samples[-1]["live"]
        self.judge("exact", live["wallets_not_exact"] == 0 and not live["is_all_stale"],
                   f"{live['wallets_not_exact']} of {live['wallets_moved']} moved wallets are not exact, "
                   f"{live['out_of_order']} transfers too late for their place, "
                   f"{live['put_in_order_late']} applied again for late ones")

    def screen(self, addresses):
        return [r for i in range(0, len(addresses), 50)
                for r in self.http.ask("POST", "/screen", {"addresses": addresses[i:i + 50]})["results"]]

    def check_live(self):
        last = int(self.c.rows("select max(wallet_id) from wallets")[0][0])
        ids = sorted({*range(1, 21), *random.Random(1).sample(range(1, last + 1), min(SAMPLE, last))})[:SAMPLE + 20]
        names = self.c.rows("select c.caip2 || ':' || w.address from wallets w join chains c "
                            f"on c.chain_id = w.chain_id where wallet_id in ({','.join(map(str, ids))})")
        names = [n for (n,) in names]
        before = self.screen(names)
        self.http.run_score()
        after = self.screen(names)
        scored, differing, inexact_equal = 0, [], 0
        for b, a in zip(before, after):
            same = self.facts(b) == self.facts(a)
            if b["state"] != "scored":
                inexact_equal += same
                continue
            scored += 1
            if not same:
                differing.append((b["address"], [d for d in zip(self.facts(b), self.facts(a)) if d[0] != d[1]]))
        self.judge("live", scored > 0 and not differing,
                   f"{scored} of {len(names)} were `scored`, {len(differing)} of them differ from the new run; "
                   f"of the others {inexact_equal} do not differ either")
        for d in differing[:3]:
            print("        ", d)

    @staticmethod
    def facts(r):
        if r["state"] == "not_in_graph":
            return None
        incoming = [{k: v for k, v in e.items() if not k.startswith("static_")}    # those are the run's
                    for e in r["exposures"] if e["direction"] == "receiving"]
        incoming = [e for e in incoming if e["direct_value"] or e["indirect_value"] or e["holdings_share"]]
        return [r[k] for k in LIVE_FIELDS] + [json.dumps(incoming, sort_keys=True)]

    def check_memory(self):
        flowing = [s for s in self.samples if s["t"] > self.opt.score_at + 5]
        lag_max = max(s["lag"] for s in flowing)
        self.judge("lag flat", lag_max <= 2 * self.opt.rate,
                   f"largest {lag_max} messages = {lag_max / self.opt.rate:.2f} s of the stream; "
                   f"live state at most {max(s['live']['behind_s'] or 0 for s in flowing):.2f} s behind")
        peak = rss_mb(self.consumer.pid)[1]
        self.judge("memory", peak < CONSUMER_MB, f"consumer: peak {peak:.0f} MB")
        folded = [s for s in flowing if s["live"]["folds"] > 0]
        came = folded[-1]["stored"] - folded[0]["stored"] if folded else 0
        if came == 0:
            print("      no slope of memory: no two samples after a fold")
            return
        mb = slope([(s["stored"] / 1e6, s["consumer_mb"]) for s in folded[len(folded) // 2:]])
        self.judge_slope("consumer", mb, CONSUMER_SLOPE_MB, came)

    def judge_slope(self, who, mb, most, came):
        text = f"{who}: {mb:+.2f} MB per million transfers, {came / 1e6:.2f} million came meanwhile"
        if came >= JUDGED_FROM:
            self.judge("memory", mb <= most, f"{text}; at most {most:.0f}")
        else:
            print(f"      {text}; too few to judge")

    def check_api_memory(self):
        idle = [s for s in self.samples if not s["is_scoring"] and s["parts_mb"]["run"]]
        for count, beside in (("resident pages", lambda s: s["api_mb"] - s["served_mb"]),
                              ("the allocator's count", lambda s: s["rest_mb"])):
            rests = [min((beside(s), s["stored"] / 1e6) for s in idle[i:i + LEAST_OF])
                     for i in range(0, len(idle) - LEAST_OF + 1, LEAST_OF)]
            if len(rests) > 2:
                self.judge_slope(f"API beside what it serves, by {count}: {rests[0][0]:.0f} MB, at the end {rests[-1][0]:.0f}",
                                 slope([(x, y) for y, x in rests]), REST_SLOPE_MB,
                                 idle[-1]["stored"] - idle[0]["stored"])
            else:
                print("      too few samples for a slope of the API's memory")
        graphs, run = (max(f(s) for s in idle) for f in (
            lambda s: (s["parts_mb"]["graph"] + s["parts_mb"]["graph_of_run"] - 2 * GRAPH_MB) * 1e6 / s["stored"],
            lambda s: (s["parts_mb"]["run"] - RUN_MB) * 1e3 / s["wallets_of_run"]))
        self.judge("memory", graphs <= 2 * GRAPH_BYTES and run <= RUN_KB,
                   f"API: graphs at most {graphs:.1f} bytes for each transfer of {2 * GRAPH_BYTES}, the run "
                   f"{run:.2f} KB for each wallet of {RUN_KB}")
        last = self.samples[-1]
        live_mb = max(s["live"]["bytes"] for s in self.samples) / 1e6
        bound_mb = (last["live"]["bytes_max"] or 0) / 1e6
        if bound_mb:
            self.judge("memory", live_mb <= LIVE_OVER * bound_mb,
                       f"live state: at most {live_mb:.0f} MB of {bound_mb:.0f}, {last['live']['own_runs']} runs of its own")
        worst = max(self.samples, key=lambda s: s["api_mb"] / (PROGRAM_MB + s["served_mb"]))
        self.judge("memory", worst["api_mb"] <= PROGRAM_MB + PEAK_OVER * worst["served_mb"],
                   f"API: {worst['api_mb']:.0f} MB with {worst['served_mb']:.0f} served, at {worst['stored'] / 1e6:.1f} "
                   f"million transfers (closest sample); peak {rss_mb(self.api.pid)[1]:.0f} MB; at the end "
                   f"{last['api_mb']:.0f} with " + ", ".join(f"{k} {v:.0f}" for k, v in last["parts_mb"].items()))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--rate", type=int, default=11000, help="transfers a second")
    p.add_argument("--store", choices=("postgresql", "sqlite"), default="postgresql")
    p.add_argument("--partitions", type=int, default=4)
    p.add_argument("--days", type=int, default=90, help="that the stream's own times cover")
    p.add_argument("--score-at", type=float, default=20, help="seconds after the begin")
    p.add_argument("--every", type=float, default=10, help="seconds between samples")
    p.add_argument("--fold-rows", type=int, default=0, help="of the API; 0 = its default")
    p.add_argument("--live-state-mb", type=int, default=0, help="of the API; 0 = its default")
    opt = p.parse_args()
    with Chain(opt.store, opt.partitions) as c:
        s = Soak(c, opt)
        s.start()
        print(f"{s.total} transfers at {opt.rate}/s, {opt.partitions} partitions, {opt.store}")
        s.follow()
        s.check_stored()
        s.check_exact()
        s.check_memory()
        s.check_api_memory()
        s.check_live()
    raise SystemExit(0 if all(s.verdicts) else 1)


if __name__ == "__main__":
    main()

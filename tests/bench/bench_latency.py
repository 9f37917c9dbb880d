#!/usr/bin/python3
"""How long from produce to visible in POST /screen, while the stream flows.

    tests/bench/bench_latency.py [--rates 1000,5000] [--seconds 60] [--partitions 4] [--every-ms 50]

Broker, PostgreSQL, consumer and API as a user runs them; `walletrisk-ingest produce --simulate`
is the load.  Beside it one probe each 50 ms: a transfer to a wallet of the probe's own, through
the same topic.  Four moments of each, on one monotonic clock:

  produced    the message was handed to the producer (linger 0)
  confirmed   the broker's acknowledgement arrived
  committed   the partition's next_offset in `ingestion_state` is behind it: seen by asking all
              the time, so up to one question (its median is printed) later than it was
  visible     tx_in of the wallet in the answer of /screen counts it; seen in the same way

Needs python3-confluent-kafka (Debian), so the system's own python3.  Target: committed ->
visible p99 below 200 ms.
"""
import argparse, itertools, json, subprocess, time
import confluent_kafka
from chain import Chain, Every, Http

TARGET_MS = 200
PROBE_FROM, PROBE_TO = "0x" + "a1" * 20, "0x" + "b2" * 20
CHAIN_ID = "eip155:1337"
WARM_UP_S = 5
# Times of probes never decrease, over all rates: an old one would have to be put in its place in
# the ledger, far back, and that is another measurement (bench_live).
number = itertools.count()


def quantile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


class Marks:
    """When each of the first n things was seen to have happened; one writer, one reader."""

    def __init__(self):
        self.at, self.gaps, self.last = [], [], None

    def asked(self):
        now = time.monotonic()
        if self.last is not None:
            self.gaps.append(now - self.last)
        self.last = now

    def reached(self, n):
        now = time.monotonic()
        self.at.extend([now] * (n - len(self.at)))


class Psql:
    """One psql that answers question after question."""

    def __init__(self, dsn):
        self.p = subprocess.Popen(["psql", "-qAtX", dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  bufsize=1, start_new_session=True)

    def ask(self, query):
        self.p.stdin.write(query + ";\n\\echo end\n")
        self.p.stdin.flush()
        rows = []
        for line in self.p.stdout:
            if line == "end\n":
                return rows
            rows.append(line.rstrip("\n"))
        raise SystemExit("psql has ended")

    def close(self):
        self.p.stdin.close()
        self.p.wait()


class Probes:
    def __init__(self, c, topic, http, psql, every_s):
        self.topic, self.http, self.psql, self.every_s = topic, http, psql, every_s
        self.producer = confluent_kafka.Producer({"bootstrap.servers": c.brokers, "linger.ms": 0,
                                                  "enable.idempotence": True, "partitioner": "murmur2_random"})
        self.produced, self.confirmed, self.offset, self.partition = [], {}, {}, None
        self.committed, self.visible = Marks(), Marks()
        self.produced_first()
        self.seen_before = self.count()

    def produced_first(self):
        """To somebody else: the connection and the producer's id are made before the first probe."""
        self.producer.produce(self.topic, self.message(PROBE_FROM), f"{CHAIN_ID}:{PROBE_FROM}")
        if self.producer.flush(30):
            raise SystemExit("the producer's first message was not confirmed in 30 s")

    @staticmethod
    def message(to):
        n = next(number)
        return json.dumps({"chain": CHAIN_ID, "tx_hash": f"0x{time.time_ns():032x}{n:032x}", "from": PROBE_FROM,
                           "to": to, "value": "1", "asset": "USD", "decimals": 6, "time": 1735689600 + n}).encode()

    def count(self):
        r = self.http.ask("POST", "/screen", {"addresses": [f"{CHAIN_ID}:{PROBE_TO}"]})["results"][0]
        return r.get("tx_in", 0)

    def send(self):
        n = len(self.produced)

        def told(error, m):
            if error:
                raise SystemExit(f"probe: {error}")
            self.confirmed[n], self.offset[n], self.partition = time.monotonic(), m.offset(), m.partition()
        self.produced.append(time.monotonic())
        self.producer.produce(self.topic, self.message(PROBE_TO), f"{CHAIN_ID}:{PROBE_FROM}", on_delivery=told)
        self.producer.poll(0)

    def look_committed(self):
        if self.partition is None:
            time.sleep(0.001)
            return
        rows = self.psql.ask(f"select next_offset from ingestion_state where source = 'kafka:{self.topic}' "
                             f"and partition = {self.partition}")
        self.committed.asked()
        at = int(rows[0]) if rows else 0
        n = len(self.committed.at)
        while n in self.offset and self.offset[n] < at:
            n += 1
        self.committed.reached(n)
        time.sleep(0.001)

    def look_visible(self):
        n = self.count() - self.seen_before
        self.visible.asked()
        self.visible.reached(n)
        time.sleep(0.001)

    def run(self, seconds):
        pollers = [Every(self.look_committed), Every(self.look_visible)]
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < seconds:
                until = time.monotonic() + self.every_s
                self.send()
                while (left := until - time.monotonic()) > 0:
                    self.producer.poll(left)
            self.producer.flush(30)
            until = time.monotonic() + 30
            while len(self.visible.at) < len(self.produced) and time.monotonic() < until:
                time.sleep(0.01)
        finally:
            for p in pollers:
                p.stop()

    def table(self):
        sent = len(self.produced)
        if len(self.visible.at) != sent or len(self.committed.at) != sent or len(self.confirmed) != sent:
            raise SystemExit(f"{sent} probes: {len(self.confirmed)} confirmed, {len(self.committed.at)} committed, "
                             f"{len(self.visible.at)} visible")
        confirmed = [self.confirmed[i] for i in range(sent)]
        steps = [("produced -> confirmed", self.produced, confirmed),
                 ("produced -> committed", self.produced, self.committed.at),
                 ("committed -> visible", self.committed.at, self.visible.at),
                 ("produced -> visible", self.produced, self.visible.at)]
        out = {}
        for name, a, b in steps:
            ms = sorted(max(0.0, y - x) * 1e3 for x, y in zip(a, b))
            out[name] = quantile(ms, 0.99)
            print(f"  {name:22} p50 {quantile(ms, 0.5):7.1f}  p99 {quantile(ms, 0.99):7.1f}  max {ms[-1]:7.1f} ms")
        for what, m in (("committed", self.committed), ("visible", self.visible)):
            print(f"  {what} asked every {quantile(sorted(m.gaps), 0.5) * 1e3:.1f} ms (median), "
                  f"{quantile(sorted(m.gaps), 0.99) * 1e3:.1f} (p99)")
        return out["committed -> visible"]


def measure(c, http, psql, opt, rate):
    transfers = int(rate * (opt.seconds + WARM_UP_S + 2))
    load = c.spawn(f"load{rate}", *c.produce_args("latency", transfers, rate, seed=rate))
    time.sleep(WARM_UP_S)
    probes = Probes(c, "latency", http, psql, opt.every_ms / 1e3)
    probes.run(opt.seconds)
    is_steady = load.poll() is None    # until after the last probe
    c.stop(load)
    rows, is_balanced = c.status()
    stored = sum(r["inserted"] for r in rows)
    print(f"{rate}/s: {len(probes.produced)} probes in {opt.seconds} s; stored so far {stored}"
          + ("" if is_steady else "; THE LOAD ENDED EARLY") + ("" if is_balanced else "; DOES NOT ADD UP"), flush=True)
    return probes.table()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rates", default="1000,5000", help="transfers a second")
    p.add_argument("--seconds", type=float, default=60, help="per rate")
    p.add_argument("--partitions", type=int, default=4)
    p.add_argument("--every-ms", type=float, default=50)
    p.add_argument("--base", type=int, default=200_000, help="transfers that are there before the run")
    opt = p.parse_args()
    with Chain("postgresql", opt.partitions) as c:
        c.load_labels(opt.base, seed=7)
        c.make_topic("latency")
        c.timed("base", *c.produce_args("latency", opt.base, seed=7))
        c.timed("first", *c.consumer_args("latency", "--until-end"))
        _, url = c.start_api()
        http = Http(url)
        http.run_score()
        c.spawn("consumer", *c.consumer_args("latency"))
        psql = Psql(c.dsn)
        worst = max(measure(c, http, psql, opt, int(rate)) for rate in opt.rates.split(","))
        psql.close()
    print(f"committed -> visible, worst p99 {worst:.1f} ms   (target < {TARGET_MS})")


if __name__ == "__main__":
    main()

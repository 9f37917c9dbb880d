#!/usr/bin/env python3
"""produce against a real broker, read back by another client (kcat); dead letters and status
on both stores."""
import csv, io, json, os, signal, sqlite3, subprocess, time, unittest
from kafka_tools import Consumer, Kafka, KafkaCase, OwnBroker
from main_job import BIN, Case, pg_store, sqlite_store

BROKERS = os.environ["WALLETRISK_TEST_KAFKA"]
INGEST = BIN / "walletrisk-ingest"
A = "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
B = "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
UTXO = {"chain": "BTC", "txid": "%064x" % 7, "time": 1600000000,
        "inputs": [{"address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "value": 2}],
        "outputs": [{"script": "6a026869", "value": 0},
                    {"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "value": 1.5}]}


def topic(name, partitions=4, **config):
    return Kafka(BROKERS).topic(f"produce.{name}", partitions, **config)


def read_back(name, level="read_committed"):
    """Messages as (partition, offset, key, value, ms), by another client."""
    out = subprocess.run(["kcat", "-b", BROKERS, "-C", "-t", name, "-e", "-q", "-o", "beginning",
                          "-X", f"isolation.level={level}", "-f", "%p %o %K %S %T %k%s\n"],
                         check=True, capture_output=True).stdout
    messages, at = [], 0
    while at < len(out):
        head = out[at:at + 100].split(b" ", 5)
        p, o, k, size, ms = map(int, head[:5])
        at += sum(map(len, head[:5])) + 5
        key = out[at:at + k].decode() if k > 0 else None
        at += max(k, 0)
        messages.append((p, o, key, out[at:at + size], ms))
        at += size + 1
    return messages


def murmur2(data):
    """The hash of the Java clients' partitioner, written from its definition."""
    m, length = 0x5bd1e995, len(data)
    h = (0x9747b28c ^ length) & 0xffffffff
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & 0xffffffff
        k = (k ^ k >> 24) * m & 0xffffffff
        h = (h * m & 0xffffffff) ^ k
    rest = data[length - length % 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & 0xffffffff
    h = (h ^ h >> 13) * m & 0xffffffff
    return h ^ h >> 15


class Produce(Case):
    def produce(self, *args, ok=True, **more):
        full = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")}
        done = subprocess.run([INGEST, "produce", "--brokers", BROKERS, *map(str, args)], text=True,
                              capture_output=True, env=full | more.pop("env", {}), **more)
        if ok:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def simulated(self, *flags):
        done = subprocess.run([INGEST, "simulate", *map(str, flags)], check=True, capture_output=True)
        return done.stdout.decode()

    def check_report(self, rep, messages):
        self.assertEqual((rep["messages"], rep["delivered"], rep["failed"]), (len(messages), len(messages), 0),
                         (rep, [m[:2] for m in messages[:20]]))
        for p in rep["partitions"]:
            mine = [m for m in messages if m[0] == p["partition"]]
            self.assertEqual(p["messages"], len(mine))
            self.assertEqual(p["next_offset"], mine[-1][1] + 1 if mine else 0)

    def test_a_file_comes_back(self):
        """Count, keys, order by key, and every field; partitions as Java clients choose them."""
        name = topic("file")
        path = self.folder / "t.csv"
        path.write_text(self.simulated("--transfers", 20000, "--users", 200))
        rep = json.loads(self.produce(path, "--topic", name, "--json").stdout)
        messages = read_back(name)
        self.check_report(rep, messages)
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        self.assertEqual(len(messages), 20000)
        sent, got = {}, {}
        for r in rows:
            sent.setdefault(f"eip155:1337:{r['from']}", []).append(
                (r["tx_hash"].removeprefix("0x"), r["to"], r["asset"], r["amount"], int(r["decimals"]), int(r["time"])))
        for p, _, key, value, _ in messages:
            t = json.loads(value)
            self.assertEqual(p, (murmur2(key.encode()) & 0x7fffffff) % 4)
            self.assertEqual(key, f"{t['chain']}:{t['from']}")
            self.assertEqual(t["value_usd"], int(t["amount"]) / 10**6)
            got.setdefault(key, []).append(
                (t["tx_hash"], t["to"], t["asset"], t["amount"], t["decimals"], t["time"]))
        self.assertEqual(got, sent)

    def test_what_a_reader_stores_is_what_was_in_the_files(self):
        """Mixed NDJSON, a log without hashes and an export: the messages, loaded, are the same rows."""
        mixed = self.folder / "mixed.ndjson"
        mixed.write_text("\n".join(json.dumps(r) for r in [
            {"chain": "ETH", "src": A, "dst": B, "value": "0.000000000000000001", "timestamp": 1600000000123},
            {"chain": "ETH", "hash": "0x%064x" % 1, "from": A, "to": A, "amount": str(2**128 - 1), "time": 1600000000,
             "log_index": 77, "block": 12, "memo": "\"quoted\" \\ \u00e9 \U0001f600 \n line"},
            {"chain": "ETH", "hash": "0x%064x" % 2, "from": A, "to": B, "amount": 5, "time": 1600000001,
             "token_address": "0x" + "ab" * 20, "decimals": 6, "value_usd": 0.1},
            UTXO,
            {"chain": "opaque:bank", "from": "tr\u00e9s \"odd\"", "to": "b", "value": 1, "time": 1600000002}]))
        log = self.folder / "log.csv"
        log.write_text("from,to,amount,time\n" + "a,b,1,1600000000\n" * 3 + "b,a,2,1600000000\n")
        name, sent = topic("same"), sqlite_store(self.folder, "sent.db")
        for path, flags in ((mixed, ()), (log, ("--chain", "opaque:log"))):
            self.produce(path, "--topic", name, *flags)
            sent.run("walletrisk-ingest", "file", path, *flags)
        messages = read_back(name)
        self.assertEqual(len(messages), 5 + 4)
        hub = [m for m in messages if m[2].endswith("tx:" + UTXO["txid"])]
        self.assertEqual(len(hub), 1)
        back = self.folder / "back.ndjson"
        back.write_bytes(b"\n".join(m[3] for m in messages))
        for got in (sqlite_store(self.folder, "got.db"), pg_store("produce_same")):
            got.run("walletrisk-ingest", "file", back)
            order = "c.caip2, t.tx_hash, t.position"
            self.assertEqual(got.transfers(order), sent.transfers(order))

    def test_the_rate_is_kept(self):
        name = topic("rate")
        rep = json.loads(self.produce("--simulate", "--transfers", 5000, "--rate", 2000, "--topic", name,
                                      "--json").stdout)
        self.assertAlmostEqual(rep["seconds"], 2.5, delta=0.25)
        stamps = sorted(m[4] for m in read_back(name))
        self.assertEqual(len(stamps), 5000)
        for half in (stamps[:2500], stamps[2500:]):    # steady, not a burst and a rest
            self.assertAlmostEqual((half[-1] - half[0]) / 1000, 1.25, delta=0.25)

    def test_transactions_and_aborted_ones(self):
        """Committed messages are the set, once and in order; aborted ones lie between as gaps."""
        name = topic("txn", 2)
        flags = ("--simulate", "--transfers", 2000, "--seed", 9)
        rep = json.loads(self.produce(*flags, "--topic", name, "--transactional", name, "--transaction-messages", 100,
                                      "--abort-every", 3, "--json").stdout)
        self.assertEqual((rep["transactions"], rep["aborted"]), (20, 9))
        messages = read_back(name)
        self.check_report(rep, messages)
        every = read_back(name, "read_uncommitted")
        self.assertEqual(len(every), 2000 + 9 * 100)
        plain = topic("plain", 2)
        self.produce(*flags, "--topic", plain)
        self.assertEqual([m[2:4] for m in messages if m[0] == 0], [m[2:4] for m in read_back(plain) if m[0] == 0])
        self.assertEqual({m[2:4] for m in messages}, {m[2:4] for m in read_back(plain)})
        offsets = [m[1] for m in messages if m[0] == 0]
        self.assertGreater(offsets[-1] - offsets[0] + 1, len(offsets) + 9)

    def test_raw_lines(self):
        name = topic("raw")
        good = json.dumps({"chain": "ETH", "from": A, "to": B, "value": 1, "time": 1600000000}).encode()
        big = b'{"memo":"' + b"x" * 5_000_000 + b'"}'
        lines = [good, b"hello \xff\xfe", b"{}", big, b"  " + good + b" "]
        rep = json.loads(self.produce("-", "--raw", "--topic", name, "--json",
                                      stdin=self.file_of(b"\n\n".join(lines))).stdout)
        key, messages = f"eip155:1:{A}", read_back(name)
        self.check_report(rep, messages)    # first: it says which partition is short
        self.assertEqual(sorted((m[3], m[2]) for m in messages), sorted(zip(lines, [key, None, None, None, key])))

    def file_of(self, data):
        path = self.folder / "stdin"
        path.write_bytes(data)
        f = open(path, "rb")
        self.addCleanup(f.close)
        return f

    def test_ctrl_c_flushes_and_says_how_many(self):
        name = topic("stop")
        env = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")}
        run = subprocess.Popen([INGEST, "produce", "--brokers", BROKERS, "--topic", name, "--simulate", "--transfers",
                                "1000000", "--rate", "3000", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=env)
        time.sleep(1.5)
        run.send_signal(signal.SIGINT)
        out, errors = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 1)
        self.assertIn("stopped on request", errors)
        rep = json.loads(out)
        self.assertGreater(rep["delivered"], 1000)
        self.check_report(rep, read_back(name))

    def test_a_broker_is_killed_and_started_again(self):
        broker = OwnBroker(self.folder / "broker")
        self.addCleanup(broker.run, "stop", "--kill")
        name = broker.topic("killed", 2)
        run = subprocess.Popen([INGEST, "produce", "--brokers", broker.brokers, "--topic", name, "--simulate",
                                "--transfers", "4000", "--rate", "2000", "--json"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, env={"PATH": os.environ["PATH"]})
        time.sleep(0.7)
        broker.run("stop", "--kill")
        broker.run("start")
        out, _ = run.communicate(timeout=60)
        self.assertEqual((run.returncode, json.loads(out)["delivered"]), (0, 4000))
        values = [m.value() for m in broker.read_all(name)]
        self.assertEqual((len(values), len(set(values))), (4000, 4000))

    def test_failures_are_told(self):
        small = topic("small", 1, max_message_bytes=2000)
        line = json.dumps({"chain": "ETH", "from": A, "to": B, "value": 1, "time": 1600000000})
        long = json.dumps({"chain": "ETH", "from": A, "to": B, "value": 1, "time": 1600000000, "memo": "é" * 100})
        cases = [
            (["--simulate", "--topic", "no.such.topic"], 1, r"topic 'no.such.topic' is not there: make it first"),
            (["--topic", small], 2, r"no file given"),
            (["x", "--simulate"], 2, r"--simulate reads no files"),
            (["--simulate", "--abort-every", 5], 2, r"--abort-every needs --transactional"),
            (["--simulate", "--kafka", "sasl.password=hunter2"], 2, r"sasl.password is a secret"),
            (["--simulate", "--kafka", "enable.idempotence=false"], 2, r"a retry must not write a record twice"),
            (["--simulate", "--kafka", "no.such.key=1"], 2, r"no setting 'no.such.key'"),
            (["--simulate", "--topic", small, "--partitioner", "fair"], 2, r"partitioner"),
            (["/nowhere.csv", "--topic", small], 1, r"/nowhere.csv"),
        ]
        for flags, code, words in cases:
            done = self.produce(*flags, ok=False)
            self.assertEqual(done.returncode, code, (flags, done.stderr))
            self.assertRegex(done.stderr, words)
            self.assertNotIn("hunter2", done.stderr + done.stdout)
        done = subprocess.run([INGEST, "produce", "--simulate", "--brokers", "127.0.0.1:1"], capture_output=True,
                              text=True, env={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"no broker of 127.0.0.1:1 answers: .*refused")

        done = self.produce("-", "--raw", "--topic", small, "--json", ok=False,
                            stdin=self.file_of(b"\n".join([line.encode(), b"x" * 3000, line.encode()])))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"(?i)message.*(too large|size)")
        rep = json.loads(done.stdout)
        self.assertEqual(rep["delivered"] + rep["failed"], rep["messages"])
        self.assertGreaterEqual(rep["failed"], 1)
        self.assertEqual(rep["delivered"], len(read_back(small)))

        before = len(read_back(small))
        done = self.produce("-", "--topic", small, "--json", ok=False,
                            stdin=self.file_of("\n".join([line, '{"from":1}', long]).encode()))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"1 records are no transfers and were not sent.*record 2: chain is missing")
        self.assertEqual((json.loads(done.stdout)["delivered"], json.loads(done.stdout)["refused"]), (2, 1))
        self.assertEqual(len(read_back(small)), before + 2)


class DeadLetters(Case):
    """What is refused is shown whole, and gets in once what was wrong is put right."""

    RECORDS = [
        json.dumps({"tx_hash": "0x%064x" % 1, "from": A, "to": B, "value": 1, "time": 1600000000}),
        json.dumps({"tx_hash": "0x%064x" % 2, "from": A, "to": B, "value": 2, "time": 1600000000,
                    "memo": "\u001b[31mred\u0007 " + "m" * 400}),
        json.dumps({"chain": "ETH", "tx_hash": "0x%064x" % 3, "from": A, "to": B, "value": 3, "time": 1600000000}),
        json.dumps({"tx_hash": "0x%064x" % 4, "from": A, "to": B, "value": 4, "time": 1600000000,
                    "note2": "x" * 5000}),
        json.dumps(UTXO | {"chain": None}),
    ]

    def test_both_stores(self):
        for store in (sqlite_store(self.folder, "dead.db"), pg_store("produce_dead")):
            with self.subTest(store.dsn.split(":")[0]):
                self.check(store)

    def status(self, store):
        done = store.run("walletrisk-ingest", "status", "--json")
        sources = [json.loads(line) for line in done.stdout.splitlines()]
        for s in sources:    # rates fall by themselves
            del s["rate_1m"], s["rate_5m"], s["rate_15m"]
        return {s["source"]: s for s in sources}

    def check(self, store):
        path = self.folder / "in.ndjson"
        path.write_text("\n".join(self.RECORDS))
        rows = self.folder / "in.csv"
        rows.write_text("tx_hash,from,to,value,time\n0x%064x,%s,%s,-1,1600000000\n" % (9, A, B))
        store.run("walletrisk-ingest", "file", path, "--source", "kafka:t")
        store.run("walletrisk-ingest", "file", rows, "--chain", "ETH")
        letters = [json.loads(l) for l in store.run("walletrisk-ingest", "dead", "list", "--json").stdout.splitlines()]
        self.assertEqual(len(letters), 5)
        first = letters[0]["id"]
        counts = [json.loads(l) for l in
                  store.run("walletrisk-ingest", "dead", "list", "--count", "--json").stdout.splitlines()]
        self.assertEqual(sorted((c["field"], c["letters"]) for c in counts), [("chain", 4), ("value", 1)])
        none = store.run("walletrisk-ingest", "dead", "list", "--partition", 1).stdout
        self.assertEqual(none, "")

        shown = store.run("walletrisk-ingest", "dead", "show", letters[1]["id"]).stdout
        self.assertIn("field      chain\nreason     chain is missing", shown)
        self.assertIn("m" * 400, shown)
        self.assertNotIn("\x1b", shown)
        raw = store.run("walletrisk-ingest", "dead", "show", letters[1]["id"], "--raw").stdout
        self.assertEqual(raw, self.RECORDS[1])
        shown = store.run("walletrisk-ingest", "dead", "show", letters[2]["id"]).stdout
        self.assertRegex(shown, r"bytes      5\d\d\d, the first 4096 of them are kept")
        gone = store.run("walletrisk-ingest", "dead", "show", 10**9, ok=False)
        self.assertEqual((gone.returncode, "no dead letter 1000000000" in gone.stderr), (1, True))

        before = self.status(store)
        dry = store.run("walletrisk-ingest", "dead", "replay", "--all", "--dry-run", "--chain", "ETH", "--json", ok=False)
        self.assertEqual(json.loads(dry.stdout)["replayed"], 1)
        self.assertEqual(self.status(store), before)
        done = store.run("walletrisk-ingest", "dead", "replay", "--all", "--chain", "ETH", "--json", ok=False)
        rep = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertEqual((rep["letters"], rep["replayed"], rep["inserted"], rep["refused"], rep["cut"], rep["rows"]),
                         (5, 1, 1, 2, 1, 1))
        self.assertRegex(done.stderr, r"memo '.*' has 4\d\d bytes, more than 256")
        self.assertRegex(done.stderr, r"only the first 4096 of its 5\d\d\d bytes are kept: the whole message is in the dead topic")
        self.assertRegex(done.stderr, r"cannot be read without its header: correct the file and load it again with --reread")
        after = self.status(store)
        self.assertEqual((after["kafka:t"]["records"], after["kafka:t"]["inserted"], after["kafka:t"]["dead"]), (5, 2, 3))
        self.assertEqual(after["kafka:t"]["next_offset"], before["kafka:t"]["next_offset"])

        utxo = store.run("walletrisk-ingest", "dead", "replay", "--id", f"{letters[3]['id']},{first}", "--chain", "BTC",
                         ok=False)   # the first is no letter any more
        self.assertEqual(utxo.returncode, 1)
        self.assertIn("1 of the ids are no dead letters", utxo.stderr)
        self.assertIn("1 letters: 1 replayed = 2 transfers inserted + 0 duplicates; 0 stay", utxo.stdout)
        after = self.status(store)["kafka:t"]
        self.assertEqual((after["records"], after["inserted"], after["dead"], after["is_balanced"]), (6, 4, 2, True))
        self.assertEqual(len(store.rows("select seq from transactions")), 4)
        self.assertEqual(len(store.rows("select dead_id from dead_letters")), 3)
        usage = store.run("walletrisk-ingest", "dead", "replay", ok=False)
        self.assertEqual((usage.returncode, "say which letters" in usage.stderr), (2, True))


class ThroughTheStore(KafkaCase):
    """produce, consume, put right, replay: the ledgers of every partition add up all the time."""

    def produce(self, name, *args):
        subprocess.run([INGEST, "produce", "--brokers", BROKERS, "--topic", name, *map(str, args)], check=True,
                       capture_output=True, env={"PATH": os.environ["PATH"]})

    def test_produced_is_stored(self):
        path = self.folder / "sent.csv"
        path.write_bytes(subprocess.run([INGEST, "simulate", "--transfers", "3000"], check=True,
                                        capture_output=True).stdout)
        sent = sqlite_store(self.folder, "sent.db")
        sent.run("walletrisk-ingest", "file", path)
        name, order = topic("stored", 2), "t.tx_hash"
        self.produce(name, path, "--transactional", name, "--transaction-messages", 200, "--abort-every", 4)
        for kind, store in self.each_store("stored"):
            rep = self.consume(store, name)
            self.assertEqual((rep["inserted"], rep["dead"]), (3000, 0), kind)
            self.assertGreaterEqual(rep["gaps"], 4 * 200, kind)
            self.assertEqual(store.transfers(order), sent.transfers(order), kind)
            self.state(store, name)

    def test_replay_while_a_consumer_runs(self):
        lines = self.folder / "no_chain.ndjson"
        lines.write_text("".join(json.dumps({"tx_hash": "0x%064x" % n, "from": A, "to": B, "value": 1,
                                             "time": 1600000000}) + "\n" for n in range(1, 301)))
        for kind, store in self.each_store("replayed"):
            name = topic("replayed", 2)
            self.produce(name, lines, "--raw")
            self.consume(store, name)
            self.assertEqual(self.total(store, name)["dead"], 300, kind)
            consumer = Consumer(self.kafka, store, name)
            self.addCleanup(consumer.child.kill)
            with subprocess.Popen([INGEST, "produce", "--brokers", BROKERS, "--topic", name, "--simulate",
                                   "--transfers", "3000", "--rate", "1500"], stdout=subprocess.DEVNULL,
                                  env={"PATH": os.environ["PATH"]}) as producer:
                ids = [d["id"] for d in self.dead(store)]
                for i in range(0, 300, 60):
                    store.run("walletrisk-ingest", "dead", "replay", "--chain", "ETH", "--id",
                              ",".join(map(str, ids[i:i + 60])))
                    self.state(store, name)
                self.assertEqual(producer.wait(60), 0, kind)
            until = time.monotonic() + 30
            while self.total(store, name)["messages"] < 3300 and time.monotonic() < until:
                time.sleep(0.2)
            consumer.stop()
            total = self.total(store, name)
            self.assertEqual((total["inserted"], total["dead"], total["messages"]), (3300, 0, 3300), kind)
            self.assertEqual(self.dead(store), [], kind)


class Status(Case):
    def test_lag_is_asked_of_the_brokers(self):
        name = topic("lag", 1)
        subprocess.run([INGEST, "produce", "--brokers", BROKERS, "--topic", name, "--simulate", "--transfers", "1000"],
                       check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
        store = sqlite_store(self.folder)
        store.run("walletrisk-ingest", "file", "-", "--source", f"kafka:{name}", input=json.dumps(
            {"chain": "ETH", "from": A, "to": B, "value": 1, "time": 1600000000}))
        told = store.json("walletrisk-ingest", "status", "--json")
        self.assertEqual((told["lag"], told["high_watermark"]), (None, None))
        asked = store.json("walletrisk-ingest", "status", "--json", "--brokers", BROKERS)
        self.assertEqual((asked["lag"], asked["high_watermark"]), (999, 1000))
        text = store.run("walletrisk-ingest", "status", "--brokers", BROKERS).stdout
        self.assertIn("next 1 of 1000, lag 999", text)
        done = store.run("walletrisk-ingest", "status", "--brokers", "127.0.0.1:1", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("records 1 = inserted 1", done.stdout)
        self.assertRegex(done.stderr, "the brokers told no high watermark of 1 partitions")

    def test_watch_and_what_does_not_add_up(self):
        store = sqlite_store(self.folder)
        store.run("walletrisk-ingest", "file", "-", "--source", "s", input=json.dumps(
            {"chain": "ETH", "from": A, "to": B, "value": 1, "time": 1600000000}))
        env = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")} | {"WALLETRISK_DSN": store.dsn}
        run = subprocess.Popen([INGEST, "status", "--watch", "0.1", "--json"], stdout=subprocess.PIPE, text=True, env=env)
        lines = [json.loads(run.stdout.readline()) for _ in range(3)]
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
        self.assertEqual(run.returncode, 0)
        self.assertEqual([l["records"] for l in lines], [1, 1, 1])
        db = sqlite3.connect(store.dsn.removeprefix("sqlite:"))
        with db:
            db.execute("update ingestion_state set records = records + 1")
        db.close()
        done = store.run("walletrisk-ingest", "status", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("records 2 = inserted 1 + duplicates 0 + dead 0  DOES NOT ADD UP", done.stdout)
        self.assertIn("1 sources do not add up", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

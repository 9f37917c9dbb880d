"""Topics, producers and consumers for the tests of `walletrisk-ingest kafka`.

The broker is the one of the CTest fixture (WALLETRISK_TEST_KAFKA); producers are
python3-confluent-kafka's, so what we read was written by another program.
"""
import itertools, json, os, pathlib, signal, socket, struct, subprocess, time
import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic
from main_job import BIN, ROOT, Case, pg_store, sqlite_store

BROKER_SH = ROOT / "deploy" / "kafka" / "broker.sh"
COOPERATIVE = ["--kafka", "partition.assignment.strategy=cooperative-sticky"]
number = itertools.count()


def tx(n):
    return "%064x" % n


def message(n, **change):
    """Transfer n as a producer writes it; its key is its sender."""
    r = {"chain": "ETH", "tx_hash": "0x" + tx(n), "from": "0x%040x" % (n % 97 + 1),
         "to": "0x%040x" % (n * 7 % 499 + 1000), "value": "1.5", "time": 1600000000 + n}
    return json.dumps({k: v for k, v in (r | change).items() if v is not None}).encode()


class Kafka:
    def __init__(self, brokers=None):
        self.brokers = brokers or os.environ["WALLETRISK_TEST_KAFKA"]
        self.admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 2})

    def topic(self, name, partitions=1, **config):
        """A new topic; its name is unique, and so are its dead topic and group."""
        name = f"{name}.{os.getpid()}.{next(number)}"
        self.make(name, partitions, **config)
        return name

    def make(self, name, partitions=1, **config):
        new = NewTopic(name, partitions, 1, config={k.replace("_", "."): str(v) for k, v in config.items()})
        for f in self.admin.create_topics([new]).values():
            f.result(30)
        until = time.monotonic() + 30
        while name not in self.admin.list_topics(timeout=10).topics and time.monotonic() < until:
            time.sleep(0.05)

    def delete(self, name):
        for f in self.admin.delete_topics([name]).values():
            f.result(30)
        until = time.monotonic() + 30
        while name in self.admin.list_topics(timeout=10).topics and time.monotonic() < until:
            time.sleep(0.05)

    def producer(self, **config):
        base = {"bootstrap.servers": self.brokers, "linger.ms": 5, "enable.idempotence": True,
                "max.in.flight": 1,    # as ours (kafka_client.c): a new topic's first batch may be refused
                "message.max.bytes": 16_000_000, "log_level": 2, "queue.buffering.max.messages": 1_000_000}
        return confluent_kafka.Producer(base | {k.replace("_", "."): v for k, v in config.items()})

    def produce(self, topic, values, partitions=1, producer=None):
        """values: bytes, None, or (key, bytes); to the partitions in turn."""
        p, failed = self.producer() if producer is None else producer, []  # an idle one is false
        for i, value in enumerate(values):
            key, value = value if isinstance(value, tuple) else (None, value)
            while True:
                try:
                    p.produce(topic, value, key, partition=i % partitions,
                              on_delivery=lambda e, m: e and failed.append(e))
                    break
                except BufferError:
                    p.poll(0.1)
            if i % 500 == 0:
                p.poll(0)
        if producer is None:
            assert p.flush(60) == 0 and not failed, failed
        return p

    def read_all(self, topic):
        """All messages that are there now."""
        c = confluent_kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": f"reader{next(number)}",
                                      "enable.partition.eof": True, "fetch.message.max.bytes": 16_000_000})
        out = []
        partitions = c.list_topics(topic, timeout=10).topics[topic].partitions
        c.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in partitions])
        ended = set()
        while len(ended) < len(partitions):
            m = c.poll(20)
            assert m is not None, "no answer"
            if m.error() and m.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                ended.add(m.partition())
            else:
                assert not m.error(), m.error()
                out.append(m)
        c.close()
        return out

    def end(self, topic, partition=0):
        c = confluent_kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": "watermarks"})
        low, high = c.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=10)
        c.close()
        return low, high

    def committed(self, topic, group, partition=0):
        c = confluent_kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": group})
        out = c.committed([confluent_kafka.TopicPartition(topic, partition)], timeout=10)[0].offset
        c.close()
        return out

    def delete_records(self, topic, offset, partition=0):
        """The log begins at `offset` from now on: what retention does (DeleteRecords, version 0)."""
        def text(t):
            return struct.pack(">h", len(t)) + t.encode()
        body = (struct.pack(">hhi", 21, 0, 1) + text("test") + struct.pack(">i", 1) + text(topic) +
                struct.pack(">iiq", 1, partition, offset) + struct.pack(">i", 10000))
        host, _, port = self.brokers.partition(":")
        with socket.create_connection((host, int(port)), 10) as s:
            s.sendall(struct.pack(">i", len(body)) + body)
            size = struct.unpack(">i", s.recv(4, socket.MSG_WAITALL))[0]
            answer = s.recv(size, socket.MSG_WAITALL)
        error = struct.unpack(">h", answer[-2:])[0]
        assert error == 0, f"DeleteRecords: error {error}"


class OwnBroker(Kafka):
    """A broker of one test, to be stopped and killed."""

    def __init__(self, folder):
        self.folder = folder
        super().__init__(self.run("start"))

    def run(self, verb, *args):
        return subprocess.run([BROKER_SH, verb, self.folder, *args], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()


def catches(pid, what):
    """Has the process a handler for this signal by now?"""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (what - 1) & 1)


class Consumer:
    """A running `walletrisk-ingest kafka`."""

    def __init__(self, kafka, store, topic, *args, env=None, session_ms=2500, **more):
        full = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")}
        full |= {"WALLETRISK_DSN": store.dsn, "WALLETRISK_KAFKA_BROKERS": kafka.brokers} | (env or {})
        self.child = subprocess.Popen(
            [BIN / "walletrisk-ingest", "kafka", "--topic", topic, "--group", f"group.{topic}",
             "--dead-topic", f"dead.{topic}", "--json", "--kafka", f"session.timeout.ms={session_ms},heartbeat.interval.ms=500", *map(str, args)],
            env=full, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.out = self.log = None

    def wait(self, timeout=60, code=0):
        """Its report; the log is in self.log."""
        try:
            self.out, self.log = self.child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            _, self.log = self.child.communicate()
            raise AssertionError(f"the consumer does not end in {timeout} s\n{self.log}")
        assert self.child.returncode == code, f"exit {self.child.returncode}\n{self.out}\n{self.log}"
        return json.loads(self.out) if self.out else None

    def kill(self):
        self.child.kill()
        self.child.communicate()

    def stop(self, **more):
        self.child.send_signal(signal.SIGTERM)
        return self.wait(**more)


STATE = ("partition", "next_offset", "status", "last_error", "records", "gaps", "inserted", "duplicates", "dead",
         "first_offset", "messages", "high_watermark")


class KafkaCase(Case):
    """Each test on both stores, with topics of its own."""

    def setUp(self):
        super().setUp()
        self.kafka = Kafka()

    def each_store(self, name):
        yield "sqlite", sqlite_store(self.folder, f"{name}.db")
        yield "postgresql", pg_store(f"kafka_{name}")

    def consume(self, store, topic, *args, timeout=60, kafka=None, **more):
        """Until the end; the report, its sums checked."""
        c = Consumer(kafka or self.kafka, store, topic, "--until-end", *args, **more)
        self.addCleanup(c.child.kill)
        rep = c.wait(timeout)
        self.log = c.log
        self.assertEqual(rep["consumed"], rep["inserted"] + rep["duplicates"] + rep["dead"], rep)
        return rep

    def state(self, store, topic):
        """Rows of ingestion_state by partition, numbers as numbers; both identities hold."""
        rows = store.rows(f"select {', '.join(STATE)} from ingestion_state where source = 'kafka:{topic}'")
        out = {}
        for r in rows:
            s = dict(zip(STATE, r))
            s = {k: v if k in ("status", "last_error") else int(v) for k, v in s.items()}
            self.assertEqual(s["next_offset"] - s["first_offset"], s["messages"] + s["gaps"], s)
            self.assertEqual(s["records"], s["inserted"] + s["duplicates"] + s["dead"], s)
            out[s["partition"]] = s
        store.run("walletrisk-ingest", "status")
        return out

    def total(self, store, topic):
        state = self.state(store, topic)
        return {k: sum(s[k] for s in state.values())
                for k in ("records", "gaps", "inserted", "duplicates", "dead", "messages", "next_offset")}

    def hashes(self, store):
        """tx_hash of every stored transfer."""
        column = "lower(hex(tx_hash))" if store.dsn.startswith("sqlite:") else "encode(tx_hash, 'hex')"
        return sorted(r[0] for r in store.rows(f"select {column} from transactions"))

    def assert_stored(self, store, numbers):
        """Exactly these transfers, each once."""
        got, want = self.hashes(store), sorted(tx(n) for n in numbers)
        if got != want:
            lost, more = set(want) - set(got), set(got) - set(want)
            self.fail(f"{len(lost)} lost {sorted(lost)[:3]}, {len(got) - len(set(got))} double, {len(more)} from nowhere")

    def dead(self, store):
        out = store.run("walletrisk-ingest", "dead", "list", "--limit", 100000, "--json").stdout
        return [json.loads(l) for l in out.splitlines()]

#!/usr/bin/env python3
"""What can go wrong while a topic is consumed: each fault, then the table against the produced set.

    test_kafka_faults.py                  a few rounds of each, for ctest
    test_kafka_faults.py --rounds 200     kill -9 at 200 random points, for the fault table

Each test ends with: exactly the produced transfers, none lost, none twice; both ledgers add
up in every partition; a line of the fault table on stderr.
"""
import os, random, resource, signal, subprocess, sys, threading, time, unittest
from kafka_tools import COOPERATIVE, ROOT, Consumer, KafkaCase, OwnBroker, catches, message, tx
from main_job import Store

ROUNDS = 10
SMALL = ["--batch-bytes", 32768, "--buffer-bytes", 262144]
PG_SH = ROOT / "tests" / "support" / "pg.sh"


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


class Faults(KafkaCase):
    def setUp(self):
        super().setUp()
        self.rng = random.Random(20261127)

    def count(self, store):
        return int(store.rows("select count(*) from transactions")[0][0])

    def messages(self, n):
        """n transfers, shuffled; every 50th comes twice, every 40th message is poison."""
        order = list(range(n))
        self.rng.shuffle(order)
        out = []
        for i, k in enumerate(order):
            out.append(message(k))
            if i % 50 == 0:
                out.append(message(k))
            if i % 40 == 0:
                out.append(b"poison %d" % k)
        return out, len(range(0, n, 50)), len(range(0, n, 40))

    def finish(self, fault, repetitions, store, topic, n, twice, dead, kafka=None):
        """To the end without faults; the books, and a row of the table."""
        self.consume(store, topic, kafka=kafka)
        self.assert_stored(store, range(n))
        t = self.total(store, topic)
        self.assertEqual((t["inserted"], t["duplicates"], t["dead"]), (n, twice, dead), t)
        self.assertEqual((t["messages"], t["gaps"]), (n + twice + dead, 0))
        self.assertEqual(len(self.dead(store)), dead)
        there = {(h["walletrisk.partition"], h["walletrisk.offset"]) for h in
                 ({k: v for k, v in m.headers()} for m in (kafka or self.kafka).read_all(f"dead.{topic}"))}
        self.assertEqual(len(there), dead)  # at least once in the topic: none is missing
        print(f"| {fault} | {store.dsn.split(':')[0]} | {repetitions} | {n + twice + dead} | {n} | {twice} | {dead} | 0 | 0 |",
              file=sys.stderr)

    # --- kill -9 ----------------------------------------------------------------------

    def kill_store(self, kind, store, n=15_000):
        topic = self.kafka.topic(f"kill{kind}", 3)
        values, twice, dead = self.messages(n)
        self.kafka.produce(topic, values, 3)
        kills, useful, longest_s = 0, 0, 0.6
        while kills < ROUNDS:
            before = self.count(store)
            # a short session: the group must notice that a member is dead before the next one gets its partitions
            c = Consumer(self.kafka, store, topic, "--group", f"g{kills}.{topic}", "--batch-bytes", 8192)
            time.sleep(self.rng.uniform(0.02, longest_s))
            c.kill()
            kills += 1
            now = self.count(store)
            self.assertGreaterEqual(now, before)
            useful += now > before
            longest_s *= 0.85 if now > before else 1.2
            left = sum(s["high_watermark"] - s["next_offset"] for s in self.state(store, topic).values())
            if now == n and not left and kills < ROUNDS:  # all there: more of it
                extra, t2, d2 = [message(k) for k in range(n, n + 5000)], 0, 0
                self.kafka.produce(topic, extra, 3)
                n, twice, dead = n + 5000, twice + t2, dead + d2
        self.assertGreater(useful, ROUNDS // 5)
        self.finish(f"kill -9 of the consumer ({useful} behind new rows)", kills, store, topic, n, twice, dead)

    def test_kill_9(self):
        for kind, store in self.each_store("kill"):
            with self.subTest(store=kind):
                self.kill_store(kind, store)

    # --- two members ------------------------------------------------------------------

    def flow(self, topic, values, partitions, seconds):
        """The values, spread over some seconds."""
        p, step = self.kafka.producer(), 200
        for i in range(0, len(values), step):
            self.kafka.produce(topic, values[i:i + step], partitions, producer=p)
            p.poll(seconds * step / len(values))
        assert p.flush(60) == 0

    def rebalance(self, kind, store, name, args):
        """A member works; others come, stop and die while messages flow and batches are open."""
        topic = self.kafka.topic(f"two{name}{kind}", 4)
        values, twice, dead = self.messages(24_000)
        args = [*SMALL, "--flush-ms", 200, *args]
        first = Consumer(self.kafka, store, topic, *args)
        self.addCleanup(first.child.kill)
        flowing = threading.Thread(target=self.flow, args=(topic, values, 4, 6))
        flowing.start()
        self.addCleanup(flowing.join)
        fenced = changes = 0
        for i in range(4):
            second = Consumer(self.kafka, store, topic, *args)
            time.sleep(self.rng.uniform(0.4, 1.4))
            if i == 2:
                second.kill()
            else:
                rep = second.stop()
                fenced += rep["fenced"]
            changes += 2
            self.assertIsNone(first.child.poll(), "the first member ended")
        flowing.join()
        total = len(values)
        self.assertTrue(until(lambda: self.total(store, topic)["messages"] == total, 90), self.total(store, topic))
        rep = first.stop()
        self.assertIn("revoked", first.log)
        self.assertIn(f"protocol={'EAGER' if name == 'eager' else 'COOPERATIVE'}", first.log)
        self.finish(f"members come, go and die, {name} ({fenced + rep['fenced']} batches fenced)", changes, store,
                    topic, 24_000, twice, dead)

    def test_rebalance_eager(self):
        for kind, store in self.each_store("eager"):
            with self.subTest(store=kind):
                self.rebalance(kind, store, "eager", [])

    def test_rebalance_cooperative(self):
        for kind, store in self.each_store("cooperative"):
            with self.subTest(store=kind):
                self.rebalance(kind, store, "cooperative-sticky", COOPERATIVE)

    def test_stops_at_any_moment_of_joining(self):
        """librdkafka 2.0.2 asserts when a cooperative member is destroyed before its first assignment."""
        _, store = next(self.each_store("join"))
        for args in ([], COOPERATIVE):
            topic = self.kafka.topic("join", 2)
            first = Consumer(self.kafka, store, topic, *args)
            self.addCleanup(first.child.kill)
            for _ in range(8):
                c = Consumer(self.kafka, store, topic, *args)
                self.assertTrue(until(lambda: catches(c.child.pid, signal.SIGTERM)))
                time.sleep(self.rng.uniform(0, 0.3))
                c.stop(timeout=20)
            first.stop()

    def test_two_members_of_two_groups_are_fenced(self):
        """Both hold every partition, all the time: what a split group does at its worst."""
        for kind, store in self.each_store("split"):
            topic = self.kafka.topic(f"split{kind}", 2)
            values, twice, dead = self.messages(8_000)
            self.kafka.produce(topic, values, 2)
            both = [Consumer(self.kafka, store, topic, "--until-end", "--group", f"g{i}.{topic}", *SMALL) for i in (0, 1)]
            reps = [c.wait(90) for c in both]
            self.assertEqual(sum(r["inserted"] for r in reps), 8_000)
            self.assertGreater(sum(r["fenced"] for r in reps), 0)
            self.finish(f"two groups at once ({sum(r['fenced'] for r in reps)} batches fenced)", 1, store, topic, 8_000,
                        twice, dead)

    def test_a_member_that_slept(self):
        """Stopped until the group has given its partitions away, then woken with batches in hand."""
        for kind, store in self.each_store("slept"):
            topic = self.kafka.topic(f"slept{kind}", 2)
            values, twice, dead = self.messages(12_000)
            self.kafka.produce(topic, values, 2)
            sleeper = Consumer(self.kafka, store, topic, *SMALL)
            self.addCleanup(sleeper.child.kill)
            self.assertTrue(until(lambda: self.count(store)))
            sleeper.child.send_signal(signal.SIGSTOP)
            rest = Consumer(self.kafka, store, topic, *SMALL)
            self.addCleanup(rest.child.kill)
            time.sleep(4)
            sleeper.child.send_signal(signal.SIGCONT)
            total = len(values)
            self.assertTrue(until(lambda: self.total(store, topic)["messages"] == total), self.total(store, topic))
            for c in (sleeper, rest):
                c.stop()
            self.finish("a member sleeps for 4 s (session 2.5 s)", 1, store, topic, 12_000, twice, dead)

    # --- the broker -------------------------------------------------------------------

    def test_broker_stops_and_starts(self):
        broker = OwnBroker(self.folder / "broker")
        self.addCleanup(broker.run, "stop")
        for (kind, store), how in zip(self.each_store("broker"), ([], ["--kill"])):
            with self.subTest(store=kind):
                topic = broker.topic(f"broker{kind}", 2)
                values, twice, dead = self.messages(20_000)
                broker.produce(topic, values[:18_000], 2)
                c = Consumer(broker, store, topic, "--batch-bytes", 16384, "--buffer-bytes", 65536)
                self.addCleanup(c.child.kill)
                self.assertTrue(until(lambda: self.count(store)))
                broker.run("stop", *how)
                time.sleep(0.5)
                broker.run("start")
                broker.produce(topic, values[18_000:], 2)
                self.assertTrue(until(lambda: self.total(store, topic)["messages"] == len(values)), self.total(store, topic))
                c.stop()
                self.assertEqual(c.log.count(" kafka_down client=consumer"), c.log.count(" kafka_up client=consumer"), c.log)
                self.finish(f"broker {'killed' if how else 'stopped'} and started", 1, store, topic, 20_000, twice, dead,
                            kafka=broker)
        # And a stop while it is away; a session that outlasts it, or the partitions would be given up before.
        c = Consumer(broker, store, topic, session_ms=45_000)
        self.assertTrue(until(lambda: self.state(store, topic)[0]["status"] == "running"))
        broker.run("stop", "--kill")
        time.sleep(1)
        begun = time.monotonic()
        c.stop()
        self.assertLess(time.monotonic() - begun, 15)
        self.assertEqual(self.state(store, topic)[0]["status"], "stopped")

    # --- the database -----------------------------------------------------------------

    def test_postgresql_stops_and_starts(self):
        folder = self.folder / "pg"
        dsn = subprocess.run([PG_SH, "start", folder], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        self.addCleanup(subprocess.run, [PG_SH, "stop", folder], check=True)
        store = Store(dsn)
        topic = self.kafka.topic("pgcrash", 2)
        values, twice, dead = self.messages(20_000)
        self.kafka.produce(topic, values, 2)
        c = Consumer(self.kafka, store, topic, "--batch-bytes", 16384, "--buffer-bytes", 65536)
        self.addCleanup(c.child.kill)
        crashes = 4
        for i in range(crashes):
            had = self.count(store)
            self.assertTrue(until(lambda: self.count(store) > had or had == 20_000))
            time.sleep(self.rng.uniform(0, 0.05))
            subprocess.run([PG_SH, "crash", folder], check=True)
            time.sleep(2 if i == 1 else 0.2)
            subprocess.run([PG_SH, "up", folder], check=True)
        self.assertTrue(until(lambda: self.total(store, topic)["messages"] == len(values)), self.total(store, topic))
        rep = c.stop()
        # also what was committed without an answer is counted once
        self.assertEqual((rep["inserted"], rep["duplicates"], rep["dead"]), (20_000, twice, dead))
        self.assertGreaterEqual(c.log.count("writer_waiting"), 1)
        self.assertLessEqual(c.log.count("writer_waiting"), crashes)
        self.assertEqual(c.log.count("writer_waiting"), c.log.count("writer_goes_on"))
        self.finish("PostgreSQL stopped (immediate) and started", crashes, store, topic, 20_000, twice, dead)

    def test_stop_while_postgresql_is_away(self):
        folder = self.folder / "pg"
        dsn = subprocess.run([PG_SH, "start", folder], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        self.addCleanup(subprocess.run, [PG_SH, "stop", folder], check=True)
        store = Store(dsn)
        topic = self.kafka.topic("pgaway")
        self.kafka.produce(topic, [message(0)])
        for args in ([], COOPERATIVE):
            c = Consumer(self.kafka, store, topic, *args)
            self.addCleanup(c.child.kill)
            self.assertTrue(until(lambda: self.count(store)))
            subprocess.run([PG_SH, "crash", folder], check=True)
            self.kafka.produce(topic, [message(1)])
            other = Consumer(self.kafka, store, topic, *args)  # a rebalance with no database to ask
            time.sleep(1)
            begun = time.monotonic()
            c.stop()
            self.assertLess(time.monotonic() - begun, 15)
            other.kill()
            subprocess.run([PG_SH, "up", folder], check=True)
        self.consume(store, topic)
        self.assertEqual(len(set(self.hashes(store))), 2)
        self.total(store, topic)

    def test_disk_full(self):
        """SQLite may not make its files larger; when it may again, all goes on."""
        _, store = next(self.each_store("full"))
        topic = self.kafka.topic("full")
        values, twice, dead = self.messages(20_000)
        self.kafka.produce(topic, values)

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
        c = Consumer(self.kafka, store, topic, "--batch-bytes", 65536, "--buffer-bytes", 262144, preexec_fn=limit)
        self.addCleanup(c.child.kill)
        seen = []
        threading.Thread(target=lambda: seen.extend(iter(c.child.stderr.readline, "")), daemon=True).start()
        self.assertTrue(until(lambda: any("writer_waiting" in l for l in seen)), seen)
        self.assertLess(self.count(store), 20_000)
        time.sleep(1)
        self.assertIsNone(c.child.poll())
        resource.prlimit(c.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertTrue(until(lambda: self.total(store, topic)["messages"] == len(values)), self.total(store, topic))
        c.child.send_signal(signal.SIGTERM)
        self.assertEqual(c.child.wait(30), 0)
        self.finish("disk full", 1, store, topic, 20_000, twice, dead)

    # --- the producer -----------------------------------------------------------------

    def test_producer_retry_storm(self):
        """A producer without idempotence that sends each message up to four times, in any order."""
        for kind, store in self.each_store("storm"):
            topic = self.kafka.topic(f"storm{kind}", 3)
            n, sent = 4_000, []
            for k in range(n):
                sent += [k] * self.rng.randint(1, 4)
            self.rng.shuffle(sent)
            c = Consumer(self.kafka, store, topic)
            self.addCleanup(c.child.kill)
            p = self.kafka.producer(enable_idempotence=False)
            self.kafka.produce(topic, [message(k) for k in sent], 3, producer=p)
            self.assertEqual(p.flush(60), 0)
            self.assertTrue(until(lambda: self.total(store, topic)["messages"] == len(sent)), self.total(store, topic))
            c.stop()
            self.finish("producer retry storm", 1, store, topic, n, len(sent) - n, 0)


if __name__ == "__main__":
    if "--rounds" in sys.argv:
        at = sys.argv.index("--rounds")
        ROUNDS = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main()

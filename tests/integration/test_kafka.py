#!/usr/bin/env python3
"""A topic into the store: everything once, whatever is in it; on SQLite and on PostgreSQL."""
import json, os, re, signal, subprocess, time, unittest
import confluent_kafka
from kafka_tools import BIN, COOPERATIVE, Consumer, KafkaCase, Kafka, message, tx

MIB = 1 << 20


class Load(KafkaCase):
    def test_all_of_four_partitions_once(self):
        topic = self.kafka.topic("load", 4)
        self.kafka.produce(topic, [message(n) for n in range(20_000)], 4)
        for kind, store in self.each_store("load"):
            with self.subTest(store=kind):
                rep = self.consume(store, topic)
                self.assertEqual((rep["inserted"], rep["messages"], rep["gaps"], rep["dead"]), (20_000, 20_000, 0, 0))
                self.assert_stored(store, range(20_000))
                state = self.state(store, topic)
                self.assertEqual({(s["first_offset"], s["next_offset"], s["high_watermark"], s["status"])
                                  for s in state.values()}, {(0, 5000, 5000, "stopped")})
                self.assertEqual(sorted(state), [0, 1, 2, 3])
                again = self.consume(store, topic)
                self.assertEqual((again["consumed"], again["messages"]), (0, 0))
                # the broker's offsets are there for tools, and decide nothing
                self.assertEqual(self.kafka.committed(topic, f"group.{topic}", 3), 5000)
                rep = self.consume(store, topic, "--group", f"other.{topic}", *COOPERATIVE)
                self.assertEqual(rep["consumed"], 0)
                self.assertEqual(self.state(store, topic), state)

    def test_database_leads_where_the_broker_has_other_offsets(self):
        topic = self.kafka.topic("lead")
        group = f"group.{topic}"
        self.kafka.produce(topic, [message(n) for n in range(100)])
        for kind, store in self.each_store("lead"):
            for offset in (0, 70, 100):
                c = confluent_kafka.Consumer({"bootstrap.servers": self.kafka.brokers, "group.id": group})
                c.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, offset)], asynchronous=False)
                c.close()
                self.consume(store, topic)
                self.assert_stored(store, range(100))
                self.assertEqual(self.total(store, topic)["messages"], 100, kind)

    def test_duplicates_and_times_out_of_order(self):
        topic = self.kafka.topic("twice", 2)
        order = [n * 7919 % 3000 for n in range(3000)]
        self.kafka.produce(topic, [message(n) for n in order + order[::-1] + order], 2)
        for kind, store in self.each_store("twice"):
            rep = self.consume(store, topic, env={"WALLETRISK_BATCH_ROWS": "700"})
            self.assertEqual((rep["inserted"], rep["duplicates"], rep["dead"]), (3000, 6000, 0), kind)
            self.assert_stored(store, range(3000))
            self.total(store, topic)

    def test_utxo_transaction_is_one_message_of_many_transfers(self):
        topic = self.kafka.topic("utxo")
        a, b = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
        self.kafka.produce(topic, [json.dumps({"chain": "BTC", "txid": tx(1), "time": 1600000000,
                                               "inputs": [{"address": a, "value": 2}],
                                               "outputs": [{"address": b, "value": 1}, {"address": a, "value": 1}]})])
        for kind, store in self.each_store("utxo"):
            rep = self.consume(store, topic)
            self.assertEqual((rep["messages"], rep["consumed"], rep["inserted"]), (1, 3, 3), kind)
            self.total(store, topic)

    def test_defaults_of_the_command_line(self):
        topic = self.kafka.topic("defaults")
        self.kafka.produce(topic, [message(1, chain=None)])
        for kind, store in self.each_store("defaults"):
            rep = self.consume(store, topic, "--chain", "ETH")
            self.assertEqual((rep["inserted"], rep["dead"]), (1, 0), kind)

    def test_memory_is_bounded(self):
        topic = self.kafka.topic("memory", 2)
        self.kafka.produce(topic, [message(n, memo="m" * 200) for n in range(150_000)], 2)
        for kind, store in self.each_store("memory"):
            c = Consumer(self.kafka, store, topic, "--until-end")
            peak_kib = 0
            while c.child.poll() is None:
                with open(f"/proc/{c.child.pid}/status") as f:
                    found = re.search(r"VmHWM:\s*(\d+)", f.read())
                peak_kib = max(peak_kib, int(found[1]) if found else 0)
                time.sleep(0.05)
            self.assertEqual(c.wait()["inserted"], 150_000)
            self.assertLess(peak_kib, 200 * 1024, kind)
            self.total(store, topic)


class Poison(KafkaCase):
    # what is wrong, key, value, field and reason of the letter
    BAD = [
        ("not JSON", b"k1", b"hello", "", r"^json"),
        ("wrong type", b"k2", message(1, value=[1]), "value", r"value"),
        ("empty", b"k3", b"", "", r"^message is empty$"),
        ("tombstone", b"k4", None, "", r"^message without a value \(tombstone\)$"),
        ("5 MB", b"k5", b'{"memo":"' + b"x" * 5_000_000 + b'"}', "", r"over the limit of 1048576"),
        ("no key", None, b"[1,2]", "", r"an object is expected"),
        ("bytes that are no text", b"\xff\x00", b"\x00\xff\xfe{}", "", r"."),
        ("no wallet", b"k8", message(2, **{"from": ""}), "from", r"^from is empty"),
        ("quotes in it", b"k9", message(3, tx_hash='"\\\n'), "tx_hash", r"."),
    ]

    def values(self):
        out = []
        for i, (_, key, value, _, _) in enumerate(self.BAD):
            out += [(None, message(100 + i)), (key, value)]
        return out

    def headers(self, m):
        return {k: v.decode() for k, v in m.headers()}

    def test_each_kind_becomes_a_letter_and_a_record_in_the_dead_topic(self):
        topic = self.kafka.topic("poison", max_message_bytes=8 * MIB)
        self.kafka.produce(topic, self.values())
        for kind, store in self.each_store("poison"):
            rep = self.consume(store, topic, "--dead-topic", f"dead.{kind}.{topic}")
            self.assertEqual((rep["inserted"], rep["dead"], rep["messages"]), (len(self.BAD), len(self.BAD), 2 * len(self.BAD)))
            self.assert_stored(store, range(100, 100 + len(self.BAD)))
            letters = {d["position"]: d for d in self.dead(store)}
            there = {int(self.headers(m)["walletrisk.offset"]): m for m in self.kafka.read_all(f"dead.{kind}.{topic}")}
            self.assertEqual(sorted(letters), sorted(there))
            for i, (name, key, value, field, reason) in enumerate(self.BAD):
                with self.subTest(store=kind, message=name):
                    d, m = letters[2 * i + 1], there[2 * i + 1]
                    self.assertEqual(d["field"], field, d)
                    self.assertRegex(d["reason"], reason)
                    self.assertEqual((d["source"], d["partition"]), (f"kafka:{topic}", 0))
                    self.assertEqual(d["raw_bytes"], len(value or b""))
                    raw = re.sub(rb"\\x(..)", lambda x: bytes.fromhex(x[1].decode()), d["raw"].encode())
                    self.assertEqual(raw, (value or b"")[:4096])
                    # as it was, whole, with where it was and why it was refused
                    self.assertEqual((m.key(), m.value()), (key, value))
                    h = self.headers(m)
                    self.assertEqual(h, {"walletrisk.topic": topic, "walletrisk.partition": "0",
                                         "walletrisk.offset": str(2 * i + 1), "walletrisk.field": field,
                                         "walletrisk.reason": d["reason"]})
            self.total(store, topic)
            self.assertEqual(self.consume(store, topic, "--dead-topic", f"dead.{kind}.{topic}")["consumed"], 0)
            self.assertEqual(len(self.dead(store)), len(self.BAD))

    def test_a_dead_topic_of_small_messages_gets_a_cut_one(self):
        topic = self.kafka.topic("cut", max_message_bytes=8 * MIB)
        self.kafka.make(f"dead.{topic}", max_message_bytes=100_000)
        big = b"x" * 5_000_000
        self.kafka.produce(topic, [(b"key", big), (None, message(1)), (b"k" * 300_000, None)])
        for kind, store in self.each_store("cut"):
            rep = self.consume(store, topic)
            self.assertEqual((rep["inserted"], rep["dead"]), (1, 2), kind)
            m, long_key = self.kafka.read_all(f"dead.{topic}")[-2:]
            self.assertEqual([self.headers(x)["walletrisk.cut"] for x in (m, long_key)], ["true"] * 2)
            self.assertEqual((long_key.key(), long_key.value()), (b"k" * 50_000, None))
            self.assertEqual(m.key(), b"key")
            self.assertGreater(len(m.value()), 90_000)
            self.assertEqual(m.value(), big[:len(m.value())])
            self.assertEqual([d["raw_bytes"] for d in self.dead(store)], [5_000_000, 0])

    def test_same_key_other_content_is_a_letter_as_for_files(self):
        topic = self.kafka.topic("conflict")
        self.kafka.produce(topic, [message(1), message(2), message(1, value="7"), message(1)])
        for kind, store in self.each_store("conflict"):
            rep = self.consume(store, topic)
            self.assertEqual((rep["inserted"], rep["duplicates"], rep["dead"], rep["conflicts"]), (2, 1, 1, 1), kind)
            (d,) = self.dead(store)
            self.assertEqual((d["position"], d["field"]), (2, "tx_hash"))
            self.assertRegex(d["reason"], "same key .* other content: amount 7000000000000000000")
            self.total(store, topic)


class Gaps(KafkaCase):
    def transactions(self, topic, partitions):
        """Committed and aborted transactions, plain messages between; what must arrive, what was written."""
        p = self.kafka.producer(transactional_id=f"t.{topic}")
        p.init_transactions(30)
        want, n = [], 0
        for i in range(12):
            p.begin_transaction()
            batch = list(range(n, n + 5 + 7 * i))
            n = batch[-1] + 1
            self.kafka.produce(topic, [message(k) for k in batch], partitions, producer=p)
            p.flush(30)
            if i % 3 == 1:
                p.abort_transaction(30)
            else:
                p.commit_transaction(30)
                want += batch
            if i % 4 == 0:
                self.kafka.produce(topic, [message(n)], partitions)
                want.append(n)
                n += 1
        return want, n

    def test_markers_and_aborted_records_are_gaps(self):
        topic = self.kafka.topic("gaps", 2)
        want, written = self.transactions(topic, 2)
        ends = [self.kafka.end(topic, p)[1] for p in (0, 1)]
        self.assertGreater(sum(ends), written + 12)  # there are markers, also the last one
        for kind, store in self.each_store("gaps"):
            with self.subTest(store=kind):
                rep = self.consume(store, topic)
                self.assertEqual((rep["inserted"], rep["messages"]), (len(want), len(want)))
                self.assertEqual(rep["gaps"], sum(ends) - len(want))
                self.assert_stored(store, want)
                state = self.state(store, topic)
                self.assertEqual([state[p]["next_offset"] for p in (0, 1)], ends)
                self.assertEqual(self.consume(store, topic)["gaps"], 0)
                self.assertEqual(self.state(store, topic), state)

    def test_restart_at_every_batch(self):
        topic = self.kafka.topic("gapsteps")
        want, _ = self.transactions(topic, 1)
        for kind, store in self.each_store("gapsteps"):
            rep = self.consume(store, topic, "--batch-bytes", 1024, "--buffer-bytes", 1024)
            self.assertEqual(rep["inserted"], len(want), kind)
            self.assert_stored(store, want)
            self.assertEqual(self.total(store, topic)["next_offset"], self.kafka.end(topic)[1])

    def test_compacted_topic(self):
        topic = self.kafka.topic("compact", cleanup_policy="compact", segment_bytes=1 * MIB,
                                 min_cleanable_dirty_ratio="0.01", max_compaction_lag_ms=1)
        self.kafka.produce(topic, [(b"k%d" % (n % 50), message(n)) for n in range(8000)])
        for kind, store in self.each_store("compact"):
            rep = self.consume(store, topic)
            t = self.total(store, topic)
            self.assertEqual(t["next_offset"], 8000, kind)
            self.assertEqual(rep["inserted"], len(self.hashes(store)))
            self.assertIn(tx(7999), self.hashes(store))

    def test_offsets_that_retention_has_removed_are_lost_and_said(self):
        topic = self.kafka.topic("lost")
        self.kafka.produce(topic, [message(n) for n in range(100)])
        stores = list(self.each_store("lost"))
        for _, store in stores:
            self.consume(store, topic)
        self.kafka.produce(topic, [message(n) for n in range(100, 300)])
        self.kafka.delete_records(topic, 250)
        for kind, store in stores:
            rep = self.consume(store, topic)
            self.assertEqual((rep["inserted"], rep["gaps"], rep["lost"]), (50, 150, 150), kind)
            self.assertRegex(self.log, r"error offsets_lost .*partition=0 offsets=150 stored=100 log_start=250")
            self.assert_stored(store, [*range(100), *range(250, 300)])
            self.total(store, topic)
        fresh = next(self.each_store("lost_fresh"))[1]  # nothing is lost where nothing was
        rep = self.consume(fresh, topic)
        self.assertEqual((rep["inserted"], rep["gaps"], rep["lost"]), (50, 0, 0))
        self.assertEqual(self.state(fresh, topic)[0]["first_offset"], 250)

    def test_topic_made_anew_is_refused(self):
        topic = self.kafka.topic("anew")
        self.kafka.produce(topic, [message(n) for n in range(100)])
        stores = list(self.each_store("anew"))
        for _, store in stores:
            self.consume(store, topic)
        self.kafka.delete(topic)
        self.kafka.make(topic)
        self.kafka.produce(topic, [message(n) for n in range(1000, 1010)])
        for kind, store in stores:
            c = Consumer(self.kafka, store, topic, "--until-end")
            c.wait(code=1)
            self.assertIn(f"topic '{topic}' partition 0 ends at 10, the database stands at 100: the topic was made anew",
                          c.log)
            self.assert_stored(store, range(100))
            s = self.state(store, topic)[0]
            self.assertEqual((s["status"], s["next_offset"]), ("failed", 100), kind)
            self.assertIn("made anew", s["last_error"])


class Stops(KafkaCase):
    def test_sigterm_ends_clean_and_the_next_one_goes_on(self):
        topic = self.kafka.topic("term", 3)
        self.kafka.produce(topic, [message(n) for n in range(60_000)], 3)
        for kind, store in self.each_store("term"):
            with self.subTest(store=kind):
                c = Consumer(self.kafka, store, topic, "--batch-bytes", 65536)
                until = time.monotonic() + 30
                while not store.rows("select 1 from transactions limit 1") and time.monotonic() < until:
                    time.sleep(0.02)
                begun = time.monotonic()
                rep = c.stop()
                self.assertLess(time.monotonic() - begun, 5)
                self.assertTrue(rep["is_stopped"])
                self.assertEqual({s["status"] for s in self.state(store, topic).values()}, {"stopped"})
                self.assertEqual(rep["inserted"], len(self.hashes(store)))
                self.assertLess(rep["inserted"], 60_000)
                more = self.consume(store, topic)
                self.assertEqual(rep["inserted"] + more["inserted"], 60_000)
                self.assertEqual((rep["duplicates"], more["duplicates"]), (0, 0))
                self.assert_stored(store, range(60_000))
                self.total(store, topic)

    def test_it_waits_for_what_comes(self):
        topic = self.kafka.topic("live")
        for kind, store in self.each_store("live"):
            c = Consumer(self.kafka, store, topic)
            p = self.kafka.producer(linger_ms=0)
            first = len(self.hashes(store))
            late = []
            for n in range(30):
                p.produce(topic, message(n, memo=kind))
                p.flush(10)
                begun = time.monotonic()
                while tx(n) not in self.hashes(store):
                    self.assertLess(time.monotonic() - begun, 20, c.child.poll())
                    time.sleep(0.01)
                late.append(time.monotonic() - begun)
            self.assertLess(sorted(late)[15], 0.5, kind)
            self.assertEqual(first, 0)
            c.stop()
            self.total(store, topic)
            self.kafka.delete(topic)
            self.kafka.make(topic)

    def test_max_seconds(self):
        topic = self.kafka.topic("seconds")
        _, store = next(self.each_store("seconds"))
        begun = time.monotonic()
        rep = Consumer(self.kafka, store, topic, "--max-seconds", 1).wait()
        self.assertTrue(rep["is_stopped"])
        self.assertLess(time.monotonic() - begun, 6)


class Refusals(KafkaCase):
    def refused(self, store, *args, code=2, topic="none", env=None):
        c = Consumer(self.kafka, store, topic, *args, env=env)
        c.wait(code=code)
        self.assertEqual(c.log.count("\n"), 1, c.log)
        return c.log

    def test_settings(self):
        _, store = next(self.each_store("settings"))
        log = self.refused(store, "--kafka", "enable.auto.commit=true")
        self.assertIn("--kafka: enable.auto.commit is not for you to set: the offset is kept in the database", log)
        log = self.refused(store, "--kafka", "no.such.key=1")
        self.assertIn("--kafka: librdkafka has no setting 'no.such.key'", log)
        log = self.refused(store, "--kafka", "sasl.password=pass1234")
        self.assertIn("WALLETRISK_KAFKA_SASL_PASSWORD", log)
        self.assertNotIn("pass1234", log)
        log = self.refused(store, env={"WALLETRISK_KAFKA_ISOLATION_LEVEL": "read_uncommitted"})
        self.assertIn("WALLETRISK_KAFKA_ISOLATION_LEVEL: isolation.level is not for you to set", log)
        path = self.folder / "client.conf"
        path.write_text("# ours\nsession.timeout.ms = many\n")
        log = self.refused(store, "--kafka-config", path)
        self.assertRegex(log, r"client.conf:2: session.timeout.ms: Invalid value")
        log = self.refused(store, env={"WALLETRISK_KAFKA_BROKERS": ""})
        self.assertIn("no brokers: give --brokers HOST:PORT[,HOST:PORT] or WALLETRISK_KAFKA_BROKERS", log)

    def test_no_topic(self):
        _, store = next(self.each_store("notopic"))
        log = self.refused(store, topic="not.there", code=1)
        self.assertIn("topic 'not.there': Broker: Unknown topic or partition", log)

    def test_secrets_are_in_no_output(self):
        topic = self.kafka.topic("secret")
        _, store = next(self.each_store("secret"))
        secret = {"WALLETRISK_KAFKA_SASL_PASSWORD": "hunter22", "WALLETRISK_KAFKA_SASL_USERNAME": "joe",
                  "WALLETRISK_KAFKA_SSL_KEY_PASSWORD": "hunter22", "WALLETRISK_LOG_LEVEL": "debug"}
        c = Consumer(self.kafka, store, topic, "--until-end", "--kafka", "debug=all", env=secret)
        c.wait()
        self.assertIn("librdkafka", c.log)
        self.assertNotIn("hunter22", c.log + c.out)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Records in: real files, everything a record can have wrong, streams, stops and restarts."""
import csv, gzip, json, os, re, signal, subprocess, tarfile, time, unittest
from main_job import BIN, SHARED, Case, needs_shared, pg_store, sqlite_store

A = "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
B = "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
P2PKH = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
BTC = "bip122:000000000019d6689c085ae165831e93"
DAY = 86400


def tx(n):
    return "0x%064x" % n


def transfer(n, **change):
    """A good record with some fields changed; None leaves one out."""
    r = {"chain": "ETH", "tx_hash": tx(n), "from": A, "to": B, "value": "1.5", "time": 1600000000}
    r |= {k.rstrip("_"): v for k, v in change.items()}
    return json.dumps({k: v for k, v in r.items() if v is not None})


def btc(n, address, **more):
    return transfer(n, chain="BTC", from_=address, to=P2PKH, **more)


def swap(address, old, new):
    assert old in address
    return address.replace(old, new, 1)


# what is wrong, the record, field and reason of its dead letter
BAD = [
    ("missing from", transfer(1, from_=None), "from", r"^from is missing"),
    ("missing to", transfer(2, to=None), "to", r"^to is missing"),
    ("missing amount", transfer(3, value=None), "amount", r"^amount is missing"),
    ("missing time", transfer(4, time=None), "time", r"^time is missing"),
    ("missing chain", transfer(5, chain=None), "chain", r"^chain is missing"),
    ("unknown chain", transfer(6, chain="nochain"), "chain", r"'nochain' is neither CAIP-2 nor"),
    ("two spellings of from", transfer(7, sender=B), "from", r"from '.*' and sender '.*' disagree"),
    ("amount and value", transfer(8, amount="7"), "amount", r"amount '7' and value '1.5' disagree"),
    ("empty wallet", transfer(9, from_=""), "from", r"^from is empty"),
    ("null wallet", '{"tx_hash":"%s","from":null,"chain":"ETH","to":"%s","value":1,"time":1600000000}' % (tx(10), B),
     "from", r"^from is (empty|missing|null)"),
    ("short wallet", transfer(11, from_="0x12"), "from", r"'0x12'.* wrong length"),
    ("contract creation", transfer(12, to=""), "to", r"^to is empty"),
    ("EIP-55", transfer(13, from_="0x1FB7bd310d95f2a6d9baaf8a8a430a9a04453a8b"), "from",
     r"wrong checksum \(EIP-55\)"),
    ("base58check", btc(14, swap(P2PKH, "vfNa", "vfNb")), "from", r"wrong checksum"),
    ("bech32", btc(15, swap(SEGWIT, "8f3t4", "8f3t5")), "from", r"checksum"),
    ("bech32m", btc(16, swap(TAPROOT, "5jj0", "5jjq")), "from", r"checksum"),
    ("bech32 sum on version 1", btc(17, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"),
     "from", r"checksum"),
    ("other network", btc(18, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"), "from",
     r"(another network|prefix)"),
    ("negative", transfer(19, value="-1"), "value", r"'-1'.*negative"),
    ("negative base units", transfer(20, value=None, amount=-1), "amount", r"'-1'.*negative"),
    ("fractional base units", transfer(21, value=None, amount="1.5"), "amount", r"'1.5'"),
    ("too many decimals", transfer(22, value="0.0000000000000000001"), "value", r"decimals|digits"),
    ("NaN", transfer(23, value="NaN"), "value", r"'NaN'"),
    ("1e400", transfer(24, value="1e400"), "value", r"'1e400'"),
    ("2^128", transfer(25, value=None, amount=str(2**128)), "amount", r"2\^128"),
    ("78 digits", transfer(26, value=None, amount="9" * 78), "amount", r"2\^128"),
    ("time 0", transfer(27, time=0), "time", r"'0' is before 2009"),
    ("far future", transfer(28, time=int(time.time()) + 2 * DAY), "time", r"more than a day ahead"),
    ("no time at all", transfer(29, time="yesterday"), "time", r"'yesterday' is no time"),
    ("bad date", transfer(30, time="2020-02-30T00:00:00Z"), "time", r"'2020-02-30"),
    ("NUL", transfer(31).replace("1.5", "1.5\0"), "", r"control character 0x0"),
    ("invalid UTF-8", transfer(32, memo="@").encode().replace(b"@", b"\xff\xfe"), "", r"decode byte 0xff"),
    ("10 MB line", transfer(33, memo="x" * 10_000_000), "", r"over the limit of 1048576"),
    ("duplicate keys", transfer(34)[:-1] + ', "time": 1600000001}', "", r"duplicate|twice"),
    ("nested 10 000 deep", transfer(35)[:-1] + ', "x": ' + "[" * 10000 + "]" * 10000 + "}", "",
     r"nested deeper than 32"),
    ("cut off", transfer(36)[:-9], "", r"^json"),
    ("not an object", "[1, 2]", "", r"an object is expected"),
    ("rubbish", "hello", "", r"^json"),
    ("bad hash", transfer(37, tx_hash="0x12"), "tx_hash", r"'0x12'"),
    ("long memo", transfer(38, memo="m" * 300), "memo", r"300 bytes, more than 256"),
    ("failed on chain", transfer(39, is_error="1"), "is_error", r"."),
    ("same key, other content", transfer(100, value="7"), "tx_hash",
     r"same key .* other content: amount 7000000000000000000 \(stored: 1500000000000000000\)"),
]
# what is fine, the record, and what must be stored of it
GOOD = [
    ("plain", transfer(100), {"value": 1.5, "time": "2020-09-13T12:26:40Z"}),
    ("zero", transfer(101, value="0"), {"amount": "0"}),
    ("milliseconds", transfer(102, time=1600000000123), {"time": "2020-09-13T12:26:40Z"}),
    ("RFC 3339 with offset", transfer(103, time="2020-09-13T14:26:40+02:00"),
     {"time": "2020-09-13T12:26:40Z"}),
    ("self-transfer", transfer(104, to=A), {"from": A, "to": A}),
    ("contract creation with its address", transfer(105, to="", contract_address=B), {"to": B}),
    ("largest amount", transfer(106, value=None, amount=str(2**128 - 1)), {"amount": str(2**128 - 1)}),
    ("both spellings that agree", transfer(107, src=A, amount="1500000000000000000"), {}),
    ("number beyond a double", '{"tx_hash":"%s","from":"%s","to":"%s","chain":"ETH","amount":'
     '10000000000000000000001,"time":1600000000}' % (tx(108), A, B),
     {"amount": "10000000000000000000001"}),
    ("checksummed", transfer(109, from_="0x1FB7BD310D95F2A6D9BAAF8A8A430A9A04453A8B"), {"from": A}),
    ("segwit and taproot", transfer(110, chain="BTC", from_=SEGWIT.upper(), to=TAPROOT),
     {"from": SEGWIT, "to": TAPROOT}),
    ("unknown fields", transfer(111, colour="red", nested={"a": [1]}), {}),
]


def as_bytes(record):
    return record if isinstance(record, bytes) else record.encode()


class Stores(Case):
    """The same test on both stores."""

    def each_store(self, name):
        yield "sqlite", sqlite_store(self.folder, f"{name}.db")
        yield "postgresql", pg_store(f"ingest_{name}")

    def load(self, store, *args, **more):
        done = store.run("walletrisk-ingest", "file", *args, "--json", **more)
        rep = json.loads(done.stdout)
        self.assertEqual(rep["records"], rep["inserted"] + rep["duplicates"] + rep["dead"], rep)
        store.run("walletrisk-ingest", "status")  # fails when a source does not add up
        return rep

    def dead(self, store):
        out = store.run("walletrisk-ingest", "dead", "list", "--limit", 100000, "--json").stdout
        return [json.loads(l) for l in out.splitlines()]


class NoStore(Case):
    """No database yet: every command but migrate says so, and leaves none behind."""

    COMMANDS = [["walletrisk", *c.split()] for c in (
        "doctor", "top", "runs", "score", "explain eip155:1 " + A, "export eip155:1 " + A,
        "verify-run 20200101T000000Z-00000000", "labels list", "labels export",
        "labels remove --source x", "labels load LIST", "models list", "models show", "models card",
        "models compare mabcd mabce", "models activate none", "models export mabcd OUT")] + [
        ["walletrisk-ingest", "status"], ["walletrisk-ingest", "dead", "list"],
        ["walletrisk-ingest", "dead", "show", "1"], ["walletrisk-ingest", "dead", "replay", "--all"],
        ["walletrisk-ingest", "file", "LIST"], ["walletrisk-api"]]

    def test_nothing_is_created(self):
        (self.folder / "list.csv").write_text("")
        path = self.folder / "none.db"
        for program, *args in self.COMMANDS:
            with self.subTest(command=" ".join([program, *args])):
                args = [a.replace("LIST", str(self.folder / "list.csv")) for a in args]
                done = subprocess.run([BIN / program, *args, "--dsn", f"sqlite:{path}"],
                                      text=True, capture_output=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"no database '{path}': run walletrisk migrate", done.stderr)
                self.assertEqual(os.listdir(self.folder), ["list.csv"])
        subprocess.run([BIN / "walletrisk", "migrate", "--dsn", f"sqlite:{path}"], check=True,
                       capture_output=True)
        self.assertTrue(path.exists())


class Records(Stores):
    def test_bad_records_become_dead_letters_with_field_and_reason(self):
        path = self.folder / "bad.ndjson"
        lines = [as_bytes(GOOD[0][1])] + [as_bytes(b[1]) for b in BAD]
        path.write_bytes(b"\n".join(lines) + b"\n")
        for kind, store in self.each_store("bad"):
            rep = self.load(store, path)
            letters = {d["position"]: d for d in self.dead(store)}
            missed = [b[0] for i, b in enumerate(BAD) if i + 2 not in letters]
            self.assertEqual(missed, [])
            self.assertEqual((rep["inserted"], rep["dead"], rep["conflicts"]), (1, len(BAD), 1))
            for i, (name, record, field, reason) in enumerate(BAD):
                with self.subTest(store=kind, record=name):
                    d = letters[i + 2]
                    self.assertEqual(d["field"], field, d["reason"])
                    self.assertRegex(d["reason"], reason)
                    self.assertNotIn("\n", d["reason"])
                    self.assertEqual(d["source"], rep["source"])
                    raw = as_bytes(record)
                    if name != "same key, other content":
                        self.assertEqual(d["raw_bytes"], len(raw))
                        self.assertEqual(re.sub(rb"\\x(..)", lambda m: bytes.fromhex(m[1].decode()),
                                                d["raw"].encode()), raw[:4096])
            again = self.load(store, path)
            self.assertEqual((again["records"], again["skipped"]), (0, 1 + len(BAD)))
            self.assertEqual(len(self.dead(store)), len(BAD))
            again = self.load(store, path, "--reread")
            self.assertEqual((again["inserted"], again["duplicates"], again["dead"]), (0, 1, len(BAD)))
            self.assertEqual({d["position"] for d in self.dead(store)}, set(letters))
            self.assertEqual(len(self.dead(store)), len(BAD))
            self.assertIn(f" {len(BAD)} dead letters", store.run("walletrisk", "doctor").stdout)

    def test_good_records_are_stored_as_said(self):
        path = self.folder / "good.ndjson"
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(g[1] for g in GOOD).encode())
        for kind, store in self.each_store("good"):
            rep = self.load(store, path)
            self.assertEqual(self.dead(store), [])
            self.assertEqual(rep["inserted"], len(GOOD))
            rows = store.transfers()
            for i, (name, _, want) in enumerate(GOOD):
                with self.subTest(store=kind, record=name):
                    row = rows[i]
                    self.assertEqual({k: row[k] for k in want}, want)

    def test_csv_with_bom_crlf_quotes_map_and_bad_rows(self):
        good = f"{tx(1)},2020-01-01 00:00:00,{A},{B},1.5,\"two\r\nlines, \"\"quoted\"\"\""
        rows = [(good, None, None),
                (f"{tx(2)},1577836800,{A},{B}", "", r"4 columns"),
                (f"{tx(3)},1577836800,{A},{B},x,", "value", r"'x'"),
                (f"{tx(4)},1577836800,{A},{B},1,a\0b", "memo", r"NUL byte"),
                (f"{tx(5)},1577836800,{A},{B},1,\udcff", "memo", r"no UTF-8"),
                (f"\"{tx(6)}\"x,1577836800,{A},{B},1,", "", r"text behind a closing quote"),
                (f"{tx(7)},1577836800,{A},{B},1," + "m" * 2_000_000, "", r"over the limit"),
                (f"\"{tx(8)},1577836800,{A},{B},1,", "", r"quote that does not close"),
                (f"{tx(9)},1577836800000,{B},{A},0.25,", None, None)]
        path = self.folder / "own.csv"
        text = "\ufeffhash,when,payer,payee,eth,note\r\n" + "\r\n".join(r[0] for r in rows)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        args = [path, "--chain", "eip155:1", "--map",
                "tx_hash=hash,time=when,from=payer,to=payee,value=eth,memo=note"]
        for kind, store in self.each_store("csv"):
            rep = self.load(store, *args)
            letters = {d["position"]: d for d in self.dead(store)}
            for i, (_, field, reason) in enumerate(rows):
                with self.subTest(store=kind, row=i + 1):
                    if reason is None:
                        self.assertNotIn(i + 1, letters)
                    else:
                        self.assertEqual(letters[i + 1]["field"], field)
                        self.assertRegex(letters[i + 1]["reason"], reason)
            self.assertEqual((rep["records"], rep["inserted"]), (len(rows), 2))
            self.assertEqual([r["value"] for r in store.transfers()], [1.5, 0.25])
            self.assertEqual(store.transfers()[0]["memo"], "two\r\nlines, \"quoted\"")


@needs_shared
class RealFiles(Stores):
    """Command lines of ingest/README.md, on both stores; a second run inserts nothing."""

    def check(self, name, args, records, stdin=None, duplicates=0):
        for kind, store in self.each_store(name):
            with self.subTest(store=kind):
                first = self.load(store, *args, **stdin() if stdin else {})
                self.assertEqual((first["records"], first["duplicates"], first["dead"]),
                                 (records, duplicates, 0))
                again = self.load(store, *args, **stdin() if stdin else {})
                self.assertEqual(again["inserted"], 0)
                self.assertEqual(again["dead"], 0)
                reread = [] if stdin else [self.load(store, *args, "--reread")]
                for r in reread:
                    self.assertEqual((r["records"], r["duplicates"]), (records, records))

    def test_eth_phish_set1(self):
        path = SHARED / "eth_phish_set1" / "eth_phish_set1_transactions.csv.gz"
        with gzip.open(path, "rt") as f:  # it writes some values twice: 1.987, 1.9869999999999999
            different = {(r["tx_hash"], r["from"], r["to"], f"{float(r['value_eth']):.15g}")
                         for r in csv.DictReader(f)}
        self.check("set1", [path, "--chain", "ETH"], 24221, duplicates=24221 - len(different))

    def test_amlsim_logs_from_their_archives(self):
        for name, rows in (("20K_cycle200", 117805), ("20K_fanin200", 118250)):
            with tarfile.open(SHARED / "amlsim_20k" / f"{name}.tgz") as t:
                log = t.extractfile(f"{name}/transactions.csv").read()
            read_end = lambda: {"input": log.decode()}
            store = sqlite_store(self.folder, f"{name}.db")
            first = self.load(store, "-", "--format", "amlsim", **read_end())
            self.assertEqual((first["records"], first["inserted"]), (rows, rows))
            again = self.load(store, "-", "--format", "amlsim", **read_end())
            self.assertEqual((again["records"], again["inserted"]), (rows, 0))

    def test_amlgentex_log(self):
        store = sqlite_store(self.folder)
        path = SHARED / "amlgentex_run_seed0" / "tx_log_trimmed.csv.gz"
        first = self.load(store, path, "--format", "amlgentex")
        self.assertEqual((first["records"], first["inserted"]), (678984, 678984))
        self.assertEqual(self.load(store, path, "--format", "amlgentex")["skipped"], 678984)

    def test_mftracer_atomic(self):
        self.check("atomic", [SHARED / "mftracer_atomic" / "Atomic.csv"], 1080)

    def test_amlworld(self):
        folder = SHARED / "amlworld_hi_small_patterns"
        self.check("amlworld", [folder / "laundering_transactions.csv"], 3209)
        self.check("amlworld2", [folder / "transactions_sample_1000.csv"], 1000)

    def test_coinjoin_sample(self):
        path = SHARED / "coinjoin_bitcoin" / "dumplings__sw_202403.zip"
        text = subprocess.run(["unzip", "-p", path, "Scanner/SamouraiCoinJoins.txt"], check=True,
                              capture_output=True, text=True).stdout
        self.assertEqual(len(text.splitlines()), 1403)
        ends = sum(len(l.split(":::")[4].split("}{")) + len(l.split(":::")[5].split("}{"))
                   for l in text.splitlines())
        self.check("coinjoin", ["-", "--format", "dumplings"], ends, lambda: {"input": text})


class Streams(Stores):
    def simulated(self, count=3000):
        return subprocess.run([BIN / "walletrisk-ingest", "simulate", "--transfers", str(count),
                               "--incidents", "0"], check=True, capture_output=True).stdout

    def test_gzip_zstd_stdin_and_pipe_are_the_same_records(self):
        data = self.simulated()
        (self.folder / "a.csv").write_bytes(data)
        (self.folder / "a.csv.gz").write_bytes(gzip.compress(data))
        subprocess.run(["zstd", "-q", self.folder / "a.csv"], check=True)
        store = sqlite_store(self.folder)
        self.assertEqual(self.load(store, self.folder / "a.csv.gz")["inserted"], 3000)
        for path in ("a.csv", "a.csv.zst"):
            rep = self.load(store, self.folder / path)
            self.assertEqual((rep["inserted"], rep["duplicates"]), (0, 3000))
        rep = self.load(store, "-", input=data.decode())
        self.assertEqual((rep["inserted"], rep["duplicates"]), (0, 3000))
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        with subprocess.Popen(["cp", self.folder / "a.csv", fifo]) as writer:
            rep = self.load(store, fifo)
            self.assertEqual(writer.wait(), 0)
        self.assertEqual((rep["records"], rep["duplicates"]), (3000, 3000))

    def test_named_stdin_goes_on_and_refuses_another_beginning(self):
        data = self.simulated().decode().splitlines(keepends=True)
        store = sqlite_store(self.folder)
        half = self.load(store, "-", "--source", "feed", input="".join(data[:1001]))
        self.assertEqual(half["inserted"], 1000)
        rest = self.load(store, "-", "--source", "feed", input="".join(data))
        self.assertEqual((rest["skipped"], rest["inserted"], rest["duplicates"]), (1000, 2000, 0))
        other = store.run("walletrisk-ingest", "file", "-", "--source", "feed", ok=False,
                          input=data[0] + "".join(data[2:]))
        self.assertEqual(other.returncode, 1)
        self.assertIn("bytes of a pipe come once", other.stderr)

    def test_truncated_gzip_keeps_what_was_complete(self):
        data = gzip.compress(self.simulated(20000))
        path = self.folder / "cut.csv.gz"
        path.write_bytes(data[: len(data) * 2 // 3])
        store = sqlite_store(self.folder)
        done = store.run("walletrisk-ingest", "file", path, "--json", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"cut\.csv\.gz.*(cut off|ends|truncated)")
        rep = json.loads(done.stdout)
        self.assertGreater(rep["inserted"], 10000)
        self.assertEqual(rep["dead"], 0)
        status = store.json("walletrisk-ingest", "status", "--json")
        self.assertEqual((status["status"], status["records"]), ("failed", rep["inserted"]))
        self.assertIn("cut.csv.gz", status["last_error"])
        path.write_bytes(data)  # the rest has come
        rest = self.load(store, path)
        self.assertEqual((rest["skipped"], rest["inserted"]), (rep["inserted"], 20000 - rep["inserted"]))

    def test_a_changed_file_is_read_again_from_the_start(self):
        data = self.simulated()
        path = self.folder / "x.csv"
        path.write_bytes(data)
        store = sqlite_store(self.folder)
        self.assertEqual(self.load(store, path)["inserted"], 3000)
        lines = data.splitlines(keepends=True)
        cells = lines[2900].rstrip(b"\n").split(b",")
        cells[2] = tx(7).encode()  # behind the part that names the file
        path.write_bytes(b"".join(lines[:2900] + [b",".join(cells) + b"\n"] + lines[2901:]))
        rep = self.load(store, path)
        self.assertTrue(rep["is_changed"])
        self.assertEqual((rep["inserted"], rep["duplicates"]), (1, 2999))

    def test_a_growing_file_goes_on_where_it_ended(self):
        lines = self.simulated().splitlines(keepends=True)
        path = self.folder / "log.csv"
        store = sqlite_store(self.folder)
        path.write_bytes(b"".join(lines[:2001]))
        self.assertEqual(self.load(store, path)["inserted"], 2000)
        path.write_bytes(b"".join(lines))
        rep = self.load(store, path)
        self.assertEqual((rep["skipped"], rep["inserted"], rep["is_changed"]), (2000, 1000, False))

    def test_usage_errors_are_named(self):
        store = sqlite_store(self.folder)
        path = self.folder / "x.csv"
        path.write_text("a,b\n1,2\n")
        for args, code, words in (([], 2, "no file given"),
                                  (["/nowhere"], 1, "/nowhere"),
                                  ([self.folder], 1, str(self.folder)),
                                  ([path, "--chain", "ETH"], 1, "header has no column for"),
                                  ([path, "--format", "x"], 2, "'x'"),
                                  ([path, "--time-unit", "x"], 2, "--time-unit: 'x'"),
                                  ([path, "--position", "x"], 2, "--position: 'x'"),
                                  ([path, path, "--source", "s"], 2, "--source names one file"),
                                  ([path, "--source", "s" * 256], 2, "1..255 bytes")):
            done = store.run("walletrisk-ingest", "file", *args, ok=False)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(words, done.stderr)


class Stopping(Stores):
    def test_ctrl_c_leaves_a_consistent_store_and_the_next_run_goes_on(self):
        path = self.folder / "big.csv"
        count = 200_000
        with open(path, "wb") as f:
            subprocess.run([BIN / "walletrisk-ingest", "simulate", "--transfers", str(count),
                            "--incidents", "0"], check=True, stdout=f)
        for kind, store in self.each_store("stop"):
            env = dict(os.environ, WALLETRISK_DSN=store.dsn, WALLETRISK_BATCH_ROWS="1000")
            stops = 0
            while True:
                child = subprocess.Popen([BIN / "walletrisk-ingest", "file", path, "--json"], env=env,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                try:
                    out, err = child.communicate(timeout=0.7 if stops < 2 else None)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGINT)
                    out, err = child.communicate(timeout=60)
                if child.returncode == 0:
                    break
                stops += 1
                self.assertEqual(child.returncode, 1, err)
                self.assertIn("run the same command to go on", err)
                status = store.json("walletrisk-ingest", "status", "--json")
                self.assertEqual(status["status"], "stopped")
                self.assertEqual(status["records"], status["inserted"])
                self.assertEqual(store.json("walletrisk-ingest", "status", "--json")["next_offset"],
                                 status["records"])
            self.assertGreater(stops, 0, kind)
            status = store.json("walletrisk-ingest", "status", "--json")
            self.assertEqual((status["status"], status["inserted"], status["duplicates"],
                              status["dead"]), ("complete", count, 0, 0))
            store.run("walletrisk", "doctor")


if __name__ == "__main__":
    unittest.main()

"""A walletrisk-api process over a store of its own, and clients for it.

The store is SQLite, or with WALLETRISK_TEST_API_STORE=postgresql a new database on the
server at WALLETRISK_TEST_PG_DSN.
"""
import contextlib, http.client, itertools, json, os, pathlib, signal, socket, sqlite3, subprocess, tempfile
import time, unittest
import urllib.parse

BIN = pathlib.Path(os.environ["WALLETRISK_TEST_BIN"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
CHAIN = "opaque:test"
IS_POSTGRES = os.environ.get("WALLETRISK_TEST_API_STORE") == "postgresql"
PG_DSN = os.environ.get("WALLETRISK_TEST_PG_DSN")
databases = itertools.count()


def environment(dsn):
    env = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")}
    return env | {"WALLETRISK_DSN": dsn, "WALLETRISK_DATA_DIR": str(ROOT / "data")}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def psql(dsn, *statements):
    commands = [x for s in statements for x in ("-c", s)]
    done = subprocess.run(["psql", "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", dsn, *commands],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"psql {statements}: exit {done.returncode}\n{done.stderr}")
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def new_database():
    name = f"api_{os.getpid()}_{next(databases)}"
    psql(PG_DSN, f"create database {name}")
    head, _, query = PG_DSN.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else ""), name


def drop_database(name):
    """Without "with (force)": that wants rights over an autovacuum worker; a plain drop asks it."""
    psql(PG_DSN, "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                 f"where datname = '{name}' and usename = current_user", f"drop database {name}")


class Server:
    """Started by start(), ended by stop(); `folder` holds the store, the log and docs."""

    def __init__(self, folder, *flags):
        self.folder, self.flags = pathlib.Path(folder), list(flags)
        self.db, self.pg_name = self.folder / "api.db", None
        self.dsn = f"sqlite:{self.db}"
        if IS_POSTGRES:
            self.dsn, self.pg_name = new_database()
        self.log = self.folder / "api.log"
        self.process = None
        self.run("walletrisk", "migrate")

    def sql(self, *statements):
        """Straight into the store; rows of the last statement as texts."""
        if IS_POSTGRES:
            return psql(self.dsn, *statements)
        with sqlite3.connect(self.db) as db:
            for s in statements:
                rows = db.execute(s).fetchall()
        return [tuple(map(str, r)) for r in rows]

    def run(self, program, *args):
        done = subprocess.run([BIN / program, *map(str, args)], env=environment(self.dsn),
                              text=True, capture_output=True)
        if done.returncode != 0:
            raise AssertionError(f"{program} {args}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def spawn(self, *more):
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [BIN / "walletrisk-api", "--http-port", "0", *self.flags, *more],
                env=environment(self.dsn), stderr=log, stdout=subprocess.DEVNULL)

    def start(self, *more, is_ready=True):
        ready = self.folder / "url"
        ready.unlink(missing_ok=True)
        self.process = self.spawn("--ready-file", str(ready), *more)
        deadline = time.monotonic() + 30
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.01)
        self.url = ready.read_text().strip()
        self.port = int(self.url.rpartition(":")[2])
        if is_ready:
            self.wait(lambda: self.get("/health/ready").status == 200)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process = None
        self.check_log()
        return code

    def check_log(self):
        text = self.log.read_text(errors="replace")
        if "Sanitizer" in text or "runtime error:" in text:
            raise AssertionError(text[text.find("Sanitizer") - 200:][:6000])

    def end(self):
        """Whatever is still running; a server that died by itself fails its class."""
        try:
            self.end_process()
        finally:
            if self.pg_name:
                drop_database(self.pg_name)
                self.pg_name = None

    def end_process(self):
        if self.process is None:
            return
        died = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.process = None
        self.check_log()
        if died is not None:
            raise AssertionError(f"the server ended by itself with {died}:\n"
                                 f"{self.log.read_text(errors='replace')[-6000:]}")

    def wait(self, check, seconds=30):
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {seconds} s\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    # --- clients -------------------------------------------------------------------------

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, connection=None):
        c = connection or self.connect()
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        answer = Answer(r.status, r.headers, r.read())
        if connection is None:
            c.close()
        return answer

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def raw(self, data, timeout=15, end=False):
        """Bytes as they are; everything the server says until it closes (or `end`)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.settimeout(timeout)
            try:
                s.sendall(data)
                if end:
                    s.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            got = b""
            try:
                while part := s.recv(65536):
                    got += part
            except (ConnectionResetError, TimeoutError):
                pass
            return got

    def is_alive(self):
        return self.process.poll() is None and self.get("/health/live").status == 200

    # --- what tests fill it with -----------------------------------------------------------

    def load(self, transfers):
        """Transfers in bodies of 10 000; every one must be new."""
        for at in range(0, len(transfers), 10000):
            r = self.post("/transactions", transfers[at:at + 10000])
            if r.status != 201:
                raise AssertionError(f"POST /transactions: {r}")

    def label(self, labels):
        path = self.folder / "labels.csv"
        rows = ["address,chain,category,confidence,source"]
        rows += [f"{address},{CHAIN},{category},100,test" for address, category in labels]
        path.write_text("\n".join(rows) + "\n")
        self.run("walletrisk", "labels", "load", path)

    def score(self):
        with contextlib.closing(self.connect(timeout=600)) as c:
            r = self.post("/run-score?wait=true&wait_s=600", connection=c)
        if r.status != 200:
            raise AssertionError(f"POST /run-score: {r}")
        return r.json["id"]


def transfer(i, source, target, value, **more):
    return {"chain": CHAIN, "tx_hash": f"tx{i}", "time": 1500000000 + i, "from": source,
            "to": target, "value": value} | more


def random_transfers(n, wallets, seed, first=0):
    """A reproducible tangle: every wallet below n·2 transfers takes part."""
    out, state = [], seed
    for i in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        a, b = (state >> 33) % wallets, (state >> 13) % wallets
        out.append(transfer(first + i, f"w{a}", f"w{b if b != a else (b + 1) % wallets}",
                            1 + (state >> 20) % 1000))
    return out


class Case(unittest.TestCase):
    """A folder and servers that end with the test, however it ends."""

    flags = ()

    @classmethod
    def folder_for(cls):
        folder = tempfile.TemporaryDirectory(prefix="walletrisk-api-")
        cls.addClassCleanup(folder.cleanup)
        return folder.name

    @classmethod
    def server_for(cls, *flags):
        server = Server(cls.folder_for(), *flags)
        cls.addClassCleanup(server.end)
        return server


def quote(text):
    return urllib.parse.quote(text, safe="")

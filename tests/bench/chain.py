"""The whole chain of real processes for the benches: Apache Kafka, PostgreSQL (or SQLite),
`walletrisk-ingest produce`, `walletrisk-ingest kafka`, `walletrisk-api`.

    with Chain(partitions=4) as c:      # everything is stopped and removed at the end,
        c.make_topic("t")               # also on Ctrl-C and SIGTERM

Programs are those of build/release/bin, or of WALLETRISK_TEST_BIN.  Every process is in a
session of its own, so that Ctrl-C reaches this script first.
"""
import collections, contextlib, http.client, json, os, pathlib, shutil, signal, subprocess
import tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WALLETRISK_TEST_BIN", ROOT / "build" / "release" / "bin"))
BROKER_SH = ROOT / "deploy" / "kafka" / "broker.sh"
PG_SH = ROOT / "tests" / "support" / "pg.sh"
TICK = os.sysconf("SC_CLK_TCK")

Done = collections.namedtuple("Done", "out seconds cpu_s rss_mb server_cpu_s")


def call(*args, **more):
    done = subprocess.run([str(a) for a in args], text=True, capture_output=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{args[0]} {args[1] if len(args) > 1 else ''}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


def rss_mb(pid):
    """Resident memory of a process now, and its peak; MB = 10^6 bytes."""
    kb = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            kb[name] = int(rest.split()[0])
    return kb["VmRSS"] * 1024 / 1e6, kb["VmHWM"] * 1024 / 1e6


def cpu_s(pid):
    """User + system seconds of a process; children it has waited for included."""
    field = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, field[11:15])) / TICK


def spread(values):
    v = sorted(values)
    return f"min {v[0]:.2f}  median {v[len(v) // 2]:.2f}  max {v[-1]:.2f}"


class Http:
    """One connection that is kept; made anew once when the server has closed it."""

    def __init__(self, url):
        self.where, self.conn = url.removeprefix("http://"), None

    def send(self, method, path, body=None, timeout=600):
        for is_last in (False, True):
            if self.conn is None:
                self.conn = http.client.HTTPConnection(self.where, timeout=timeout)
            try:
                self.conn.request(method, path, None if body is None else json.dumps(body),
                                  {"Content-Type": "application/json"})
                answer = self.conn.getresponse()
                data = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.conn = None
                if is_last:
                    raise
        return answer.status, data

    def ask(self, method, path, body=None):
        status, data = self.send(method, path, body)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {data[:500]!r}")
        return json.loads(data)

    def run_score(self):
        """A run, complete when this returns; waits for the job that is under way (a restore, a fold)."""
        until = time.monotonic() + 600
        while time.monotonic() < until:
            status, data = self.send("POST", "/run-score?wait=true&wait_s=600")
            if status != 409:
                break
            time.sleep(0.2)
        job = json.loads(data)
        if status != 200 or job["status"] != "complete":
            raise SystemExit(f"POST /run-score: {status} {data[:500]!r}")
        return job


class Chain:
    def __init__(self, store="postgresql", partitions=4):
        self.kind, self.partitions = store, partitions
        self.pg_dsn, self.dsn, self.databases = None, None, 0
        self.exit = contextlib.ExitStack()

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with contextlib.ExitStack() as undo:    # what is up when the rest fails is stopped too
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wr-bench."))
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            undo.callback(call, BROKER_SH, "stop", self.folder / "kafka", "--kill")
            self.brokers = call(BROKER_SH, "start", self.folder / "kafka", start_new_session=True).strip()
            if self.kind == "postgresql":
                undo.callback(call, PG_SH, "stop", self.folder / "pg")
                self.pg_dsn = call(PG_SH, "start", self.folder / "pg", start_new_session=True).strip()
            self.new_store()
            self.exit = undo.pop_all()
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)    # a second Ctrl-C must not leave servers behind
        self.exit.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    # --- the store ---

    def new_store(self):
        """An empty, migrated store; the ones before stay until the end."""
        self.databases += 1
        if self.kind == "sqlite":
            self.dsn = f"sqlite:{self.folder}/w{self.databases}.db"
        else:
            self.dsn = self.new_database()
        call(BIN / "walletrisk", "migrate", env=self.env())

    def new_database(self):
        name = f"bench{self.databases}_{time.monotonic_ns()}"
        call("psql", "-q", self.pg_dsn, "-c", f"create database {name}")
        head, _, query = self.pg_dsn.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{query}"

    def drop_database(self, dsn):
        """A plain drop asks an autovacuum worker to leave; "with (force)" wants rights over it."""
        name = dsn.partition("?")[0].rpartition("/")[2]
        call("psql", "-q", self.pg_dsn, "-v", "ON_ERROR_STOP=1",
             "-c", "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                   f"where datname = '{name}' and usename = current_user",
             "-c", f"drop database {name}")

    def rows(self, query):
        """A query past our own code; texts."""
        if self.kind == "sqlite":
            import sqlite3
            with contextlib.closing(sqlite3.connect(self.dsn.removeprefix("sqlite:"))) as db:
                return [[str(v) for v in r] for r in db.execute(query)]
        out = call("psql", "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.dsn, "-c", query)
        return [line.split("\t") for line in out.splitlines()]

    def server_cpu_s(self):
        """Of the PostgreSQL server, all its processes, ended ones included; 0 with SQLite."""
        if self.kind != "postgresql":
            return 0.0
        data = pathlib.Path((self.folder / "pg" / "home").read_text().strip()) / "data"
        pid = (data / "postmaster.pid").read_text().split("\n")[0]
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        total = cpu_s(pid)
        for p in children:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += cpu_s(p)
        return total

    # --- processes ---

    def env(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("WALLETRISK_") and k not in ("OMP_PROC_BIND", "OMP_PLACES")}
        return env | {"WALLETRISK_DSN": self.dsn, "WALLETRISK_DATA_DIR": str(ROOT / "data"),
                      "WALLETRISK_KAFKA_BROKERS": self.brokers} | more

    def make_topic(self, name):
        call(BROKER_SH, "topic", self.folder / "kafka", name, self.partitions)

    def delete_log(self, name):
        """Output of a process that was spawned under this name."""
        (self.folder / f"{name}.out").unlink(missing_ok=True)

    def spawn(self, name, *args, env=None):
        """A process whose output goes to NAME.out and NAME.log; stopped at the end."""
        with open(self.folder / f"{name}.out", "wb") as out, open(self.folder / f"{name}.log", "wb") as log:
            p = subprocess.Popen([str(a) for a in args], stdout=out, stderr=log, env=env or self.env(),
                                 stdin=subprocess.DEVNULL, start_new_session=True)
        self.exit.callback(self.stop, p, timeout=20)
        return p

    def stop(self, p, timeout=60):
        """SIGTERM, and SIGKILL when that does not help; its exit code."""
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        return p.returncode

    def log_of(self, name, size=2000):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-size:]

    def timed(self, name, *args, env=None):
        """Run to the end; its last line of output as JSON, its time, its CPU, its peak memory."""
        server_s, begin_s = self.server_cpu_s(), time.monotonic()
        p = self.spawn(name, *args, env=env)
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin_s
        if p.returncode != 0:
            raise SystemExit(f"{name}: exit {p.returncode}\n{self.log_of(name)}")
        out = (self.folder / f"{name}.out").read_text().splitlines()
        return Done(json.loads(out[-1]), seconds, used.ru_utime + used.ru_stime,
                    used.ru_maxrss * 1024 / 1e6, self.server_cpu_s() - server_s)

    def produce_args(self, topic, transfers, rate=0, seed=1, more=()):
        return [BIN / "walletrisk-ingest", "produce", "--simulate", "--topic", topic, "--transfers", transfers,
                "--seed", seed, *(["--rate", rate] if rate else []), "--json", *more]

    def consumer_args(self, topic, *more):
        return [BIN / "walletrisk-ingest", "kafka", "--topic", topic, "--group", f"group.{topic}",
                "--dead-topic", f"dead.{topic}", "--json", *more]

    def load_labels(self, transfers, seed=1, more=()):
        """Those that the simulator publishes about the stream of these options."""
        path = self.folder / "labels.csv"
        call(BIN / "walletrisk-ingest", "simulate", "--transfers", transfers, "--seed", seed, "--out", "/dev/null",
             "--labels", path, *more)
        call(BIN / "walletrisk", "labels", "load", path, env=self.env())

    def start_api(self, *more):
        ready = self.folder / "url"
        p = self.spawn("api", BIN / "walletrisk-api", "--http-port", 0, "--http-threads", 16,
                       "--ready-file", ready, *more)
        until = time.monotonic() + 60
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if p.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the API did not start\n{self.log_of('api')}")
            time.sleep(0.02)
        return p, ready.read_text().strip()

    def status(self):
        """`walletrisk-ingest status`, brokers asked: rows, and whether everything adds up."""
        done = subprocess.run([BIN / "walletrisk-ingest", "status", "--json", "--brokers", self.brokers],
                              env=self.env(), text=True, capture_output=True)
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode == 0


class Every:
    """A thread that calls fn(self) until it is stopped; what it raises is raised by stop()."""

    def __init__(self, fn):
        self.is_over, self.error = threading.Event(), None

        def body():
            try:
                while not self.is_over.is_set():
                    fn()
            except BaseException as e:    # told to the main thread
                self.error = e
        self.thread = threading.Thread(target=body, daemon=True)
        self.thread.start()

    def stop(self):
        self.is_over.set()
        self.thread.join()
        if self.error:
            raise self.error

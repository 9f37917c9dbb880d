"""What several integration tests share: running our programs, where the data is."""
import csv, datetime, io, json, os, pathlib, sqlite3, subprocess, tempfile, unittest

BIN = pathlib.Path(os.environ["WALLETRISK_TEST_BIN"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"


def needs_shared(test):
    return unittest.skipUnless(SHARED.is_dir(), f"{SHARED} is missing")(test)


class Store:
    """One empty, migrated store; `dsn` as our programs take it."""

    def __init__(self, dsn):
        self.dsn = dsn
        self.run("walletrisk", "migrate")

    def run(self, program, *args, ok=True, env=None, **more):
        full = {k: v for k, v in os.environ.items() if not k.startswith("WALLETRISK_")}
        full |= {"WALLETRISK_DSN": self.dsn, "WALLETRISK_DATA_DIR": str(ROOT / "data")}
        full |= env or {}
        done = subprocess.run([BIN / program, *map(str, args)], env=full, text=True,
                              capture_output=True, **more)
        if ok and done.returncode != 0:
            raise AssertionError(f"{program} {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, program, *args, **more):
        return json.loads(self.run(program, *args, **more).stdout)

    def score(self, threads=None):
        env = {"OMP_NUM_THREADS": str(threads)} if threads else None
        return self.json("walletrisk", "score", "--json", env=env)


    def rows(self, query):
        """A query past our own code: lists of texts, None for NULL."""
        if self.dsn.startswith("sqlite:"):
            db = sqlite3.connect(self.dsn.removeprefix("sqlite:"))
            try:
                return [[None if v is None else str(v) for v in r] for r in db.execute(query)]
            finally:
                db.close()
        out = subprocess.run(["psql", "-q", self.dsn, "-c", f"copy ({query}) to stdout csv null '~'"],
                             check=True, capture_output=True).stdout.decode()
        lines = io.StringIO(out, newline="")
        return [[None if v == "~" else v for v in r] for r in csv.reader(lines)]

    def transfers(self, order="t.seq"):
        """Stored transfers as dicts, the same on both stores."""
        is_sqlite = self.dsn.startswith("sqlite:")
        tx_hash = "lower(hex(t.tx_hash))" if is_sqlite else "encode(t.tx_hash, 'hex')"
        amount = ("case typeof(t.amount) when 'blob' then 'x' || hex(t.amount) else t.amount end"
                  if is_sqlite else "t.amount")
        names = "chain tx_hash position time from to asset amount decimals value flags block memo"
        rows = self.rows(
            f"select c.caip2, {tx_hash}, t.position, t.time, f.address, u.address, a.asset, {amount}, "
            "t.decimals, t.value, t.flags, t.block, t.memo from transactions t "
            "join chains c on c.chain_id = t.chain_id join assets a on a.asset_id = t.asset_id "
            "join wallets f on f.wallet_id = t.from_id join wallets u on u.wallet_id = t.to_id "
            f"order by {order}")
        out = [dict(zip(names.split(), r)) for r in rows]
        for r in out:
            r["value"] = float(r["value"])
            if r["amount"].startswith("x"):
                r["amount"] = str(int(r["amount"][1:], 16))
            at = datetime.datetime.fromtimestamp(int(r["time"]), datetime.timezone.utc)
            r["time"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return out


def sqlite_store(folder, name="w.db"):
    return Store(f"sqlite:{folder}/{name}")


def pg_store(name):
    """A database of its own on the server that the CTest fixture started."""
    dsn = os.environ["WALLETRISK_TEST_PG_DSN"]
    subprocess.run(["psql", "-q", dsn, "-c", f"drop database if exists {name}", "-c",
                    f"create database {name}"], check=True, capture_output=True)
    head, _, query = dsn.partition("?")
    return Store(f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else ""))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

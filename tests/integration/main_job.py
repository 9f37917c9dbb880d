"""What several integration tests share: running our programs, where the data is."""
import json, os, pathlib, subprocess, tempfile, unittest

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

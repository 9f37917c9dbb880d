#!/usr/bin/env python3
"""README "Streaming in five minutes": its lines, typed as they stand, say what it shows.

The checkout of the lines is a folder with the tracked parts they name and, in place of
build/product, the programs under test.
"""
import os, pathlib, re, shutil, socket, subprocess, tempfile, unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["WALLETRISK_TEST_BIN"]).resolve()
HOME = pathlib.Path("build") / "streaming"


def blocks():
    """The fenced blocks of the section: what is installed, what is typed, what is seen."""
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## Streaming in five minutes\n(.*?)^## ", text, re.S | re.M).group(1)
    return re.findall(r"^```\n(.*?)^```\n", section, re.S | re.M)


def shape(text):
    """What stays when numbers, hashes and times are others."""
    text = re.sub(r"\b[0-9a-f]{16}\b|\br\d{8}T\d{6}Z-[0-9a-f]{8}\b", "#", text)
    return re.sub(r"\d+(\.\d+)?", "#", text)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wr-readme."))
        self.folder.chmod(0o755)  # PostgreSQL's own user goes in
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("deploy", "data"):
            shutil.copytree(ROOT / name, self.folder / name)
        (self.folder / "build" / "product").mkdir(parents=True)
        (self.folder / "build" / "product" / "bin").symlink_to(BIN)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("WALLETRISK_", "WR_PG"))}
        self.addCleanup(self.bash, "deploy/streaming.sh stop; deploy/postgres/server.sh remove build/streaming/postgres")

    def bash(self, lines, timeout=300, env=None):
        """Standard output and error in one text; every line that fails is in it."""
        script = "trap 'echo \"FAILED with $?: $BASH_COMMAND\"' ERR\n" + lines
        with subprocess.Popen(["bash"], cwd=self.folder, env=self.env | (env or {}), text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as p:
            try:
                return p.communicate(script, timeout)[0]
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, 9)  # this shell and its background jobs
                raise

    def check_failures(self, said):
        """timeout ends the watch with 124: no other line may fail."""
        failed = [l for l in said.splitlines() if l.startswith("FAILED")]
        self.assertEqual(failed, ["FAILED with 124: timeout 9 walletrisk-ingest status --watch 3"], said)

    def check_seen(self, sample, said):
        """Each line that README shows was printed: its parts around `…`, in their order."""
        self.assertGreater(len(sample.splitlines()), 8)
        lines = [shape(l) for l in said.splitlines()]
        for want in sample.splitlines():
            rule = ".*".join(re.escape(part) for part in shape(want).split("…"))
            self.assertTrue(any(re.fullmatch(rule, l) for l in lines), f"never printed: {want}\n{said}")

    def check_whole(self):
        """Started again it goes on where it stopped; then every transfer is there, once."""
        said = self.bash("""
            export PATH=$PWD/build/product/bin:$PATH
            export WALLETRISK_KAFKA_BROKERS=$(deploy/kafka/broker.sh start build/streaming/kafka)
            export WALLETRISK_DSN=$(deploy/postgres/server.sh start build/streaming/postgres)
            walletrisk-ingest kafka --until-end
            walletrisk-ingest status
            psql -X -At -c 'select count(*), count(distinct tx_hash) from transactions' $WALLETRISK_DSN
        """)
        self.assertNotIn("FAILED", said)
        self.assertEqual(said.splitlines()[-1], "50000|50000", said)
        self.assertEqual(sum(map(int, re.findall(r"offsets (\d+) = messages", said))), 30000, said)

    def check_one_command(self):
        for _ in range(2):  # the second finds all of it running
            said = self.bash(f"deploy/streaming.sh start --port 0 --bin build/product/bin")
            self.assertNotIn("FAILED", said)
            url = re.search(r"^serving  (\S+)$", said, re.M).group(1)
        pids = {p: (self.folder / HOME / f"{p}.pid").read_text() for p in ("walletrisk-ingest", "walletrisk-api")}
        said = self.bash(f"deploy/streaming.sh status; curl -fs {url}/health/ready")
        self.assertNotIn("FAILED", said)
        self.assertIn('"status":"ready","store":"ok","scores":"loaded"', said)
        for p, pid in pids.items():
            self.assertIn(f"{p}  running pid {pid}", said)
        self.assertEqual(self.bash("deploy/streaming.sh stop"), "stopped walletrisk-api\nstopped walletrisk-ingest\n"
                         "broker: stopped\nPostgreSQL: stopped\n")
        said = self.bash("deploy/streaming.sh status")
        self.assertIn("FAILED with 1", said)
        self.assertEqual(said.count("not running"), 4)
        self.assertIn("deploy/streaming.sh start", self.bash("deploy/streaming.sh begin"))

    def test_lines_as_they_stand(self):
        once, typed, sample = blocks()
        self.assertEqual(once.splitlines()[0], "./deploy/packages.sh build kafka postgres")
        self.assertEqual(self.bash(once.splitlines()[0]), "")  # all are there: tests/run.sh wants more
        said = self.bash(typed, env={"WALLETRISK_HTTP_PORT": str(free_port())})
        self.check_failures(said)
        self.check_seen(sample, said)
        screened = re.search(r'^\{"results":\[.*', said, re.M).group()
        self.assertIn('"state":"scored","score":90.00,"level":"severe","category":"hack"', screened)
        self.check_whole()
        self.check_one_command()


if __name__ == "__main__":
    unittest.main()

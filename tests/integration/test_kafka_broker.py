#!/usr/bin/env python3
"""deploy/kafka/broker.sh: a broker is a folder; what was acknowledged outlives kill -9."""
import os, pathlib, shutil, signal, socket, subprocess, tempfile, time, unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKER = ROOT / "deploy" / "kafka" / "broker.sh"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}  # as /proc/net writes 127.0.0.1


def listens_on(port):
    """Addresses on which anything listens on this port, as /proc/net writes them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, hex_port = local.split(":")
            if state == "0A" and int(hex_port, 16) == port:
                found.add(address)
    return found


def lives(pid):
    """False for one that is gone and for one that nobody has waited for yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


class Broker(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wr-broker."))
        self.dir = self.folder / "one"
        self.sent = 0
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(subprocess.run, [BROKER, "stop", self.dir, "--kill"], stdout=subprocess.DEVNULL)

    def call(self, *args, code=0, env=None):
        done = subprocess.run([BROKER, *map(str, args)], text=True, capture_output=True, timeout=300,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, code, f"{args}: {done.stdout}{done.stderr}")
        return done

    def start(self):
        return self.call("start", self.dir).stdout.strip()

    def pid(self):
        return int((self.dir / "pid").read_text())

    def produce(self, count):
        text = "".join(f"{n}\n" for n in range(self.sent, self.sent + count))
        subprocess.run(["kcat", "-P", "-b", self.bootstrap, "-t", "numbers", "-X", "acks=all"],
                       input=text, text=True, check=True, timeout=60)
        self.sent += count

    def check_all_there(self):
        done = subprocess.run(["kcat", "-C", "-q", "-e", "-b", self.bootstrap, "-t", "numbers",
                               "-o", "beginning"], text=True, check=True, capture_output=True, timeout=60)
        self.assertEqual(sorted(map(int, done.stdout.split())), list(range(self.sent)))

    def check_topics(self):
        self.assertEqual(self.call("topic", self.dir, "numbers", 3).stdout, "created numbers\n")
        self.assertEqual(self.call("topic", self.dir, "numbers", 3).stdout, "kept numbers\n")
        self.assertIn("topic numbers is there with 3 partitions, not 4",
                      self.call("topic", self.dir, "numbers", 4, code=1).stderr)
        self.assertIn("'many' is no number of partitions",
                      self.call("topic", self.dir, "numbers", "many", code=1).stderr)
        self.assertEqual(self.call("topic", self.dir, "squeezed", 1, "cleanup.policy=compact").stdout,
                         "created squeezed\n")

    def check_restart(self, end):
        """Ended by `end`, then started: the same port, every message."""
        self.produce(500)
        pid = self.pid()
        end()
        self.assertEqual(self.call("status", self.dir, code=1).stdout, "not running\n")
        self.assertFalse(lives(pid))
        self.assertEqual(self.start(), self.bootstrap)
        self.assertNotEqual(self.pid(), pid)
        self.check_all_there()

    def kill_behind_its_back(self):
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        for _ in range(100):
            if not lives(pid):
                return
            time.sleep(0.1)
        self.fail(f"{pid} survives SIGKILL")

    def test_life_of_a_broker(self):
        self.assertEqual(self.call("status", self.dir, code=1).stdout, "not running\n")
        self.assertEqual(self.call("stop", self.dir).stdout, "not running\n")
        self.bootstrap = self.start()
        host, port = self.bootstrap.split(":")
        self.assertEqual(host, "127.0.0.1")
        self.assertEqual((self.dir / "bootstrap").read_text(), self.bootstrap + "\n")
        self.assertEqual(self.call("status", self.dir).stdout,
                         f"running {self.bootstrap} pid {self.pid()}\n")
        listening = listens_on(int(port))
        self.assertTrue(listening and listening <= LOOPBACK, listening)

        first = self.pid()
        again = self.call("start", self.dir)
        self.assertEqual((again.stdout, again.stderr), (self.bootstrap + "\n", "already running\n"))
        self.assertEqual(self.pid(), first)

        self.check_topics()
        self.produce(1000)
        self.check_all_there()
        self.check_restart(lambda: self.call("stop", self.dir))
        self.check_restart(lambda: self.call("stop", self.dir, "--kill"))
        self.check_restart(self.kill_behind_its_back)

        self.call("stop", self.dir)
        self.assertIn("no broker runs", self.call("topic", self.dir, "numbers", 3, code=1).stderr)
        with socket.create_server(("127.0.0.1", int(port))):
            self.assertIn(f"port {port} of {self.dir} is taken by another process",
                          self.call("start", self.dir, code=1).stderr)
        self.assertEqual(self.start(), self.bootstrap)
        self.check_all_there()

    def test_two_at_once(self):
        """Callers of one folder share a broker; folders do not share anything."""
        begun = [subprocess.Popen([BROKER, "start", self.dir], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) for _ in range(3)]
        said = [p.communicate(timeout=300)[0] for p in begun]
        self.assertEqual([p.returncode for p in begun], [0, 0, 0])
        self.assertEqual(len(set(said)), 1, said)
        other = self.folder / "other"
        self.addCleanup(subprocess.run, [BROKER, "stop", other, "--kill"], stdout=subprocess.DEVNULL)
        self.assertNotIn(self.call("start", other).stdout, said)

    def tools_but(self, *missing):
        """A PATH with what the script needs, without these programs."""
        tools = self.folder / "tools"
        tools.mkdir()
        for name in ("bash", "dirname", "realpath", "sed", "sha256sum", "cut", "mkdir", "flock", "cat",
                     "tr", "grep", "ls", "java", "mvn", "rm", "mv", "mktemp", "env"):
            if name not in missing:
                (tools / name).symlink_to(shutil.which(name))
        return {"PATH": str(tools)}

    def test_says_what_is_missing(self):
        self.assertIn("no java (Debian package default-jre-headless)",
                      self.call("start", self.dir, code=1, env=self.tools_but("java")).stderr)
        shutil.rmtree(self.folder / "tools")
        empty = {"WR_KAFKA_JARS": str(self.folder / "jars")}
        self.assertIn("no mvn to fetch Kafka",
                      self.call("start", self.dir, code=1, env=self.tools_but("mvn") | empty).stderr)
        self.assertFalse((self.folder / "jars").exists())
        (self.folder / "jars").mkdir()
        (self.folder / "jars" / "diary").touch()
        self.assertIn("jars holds something else than Kafka",
                      self.call("start", self.dir, code=1, env=empty).stderr)
        self.assertTrue((self.folder / "jars" / "diary").exists())
        self.assertIn("may not have", self.call("start", self.folder / "a b", code=1).stderr)
        for wrong in ([], ["start"], ["stop", "x", "--now"], ["topic", "x", "name"], ["jump", "x"]):
            self.assertIn("broker.sh start DIR", self.call(*wrong, code=2).stderr)


if __name__ == "__main__":
    unittest.main()

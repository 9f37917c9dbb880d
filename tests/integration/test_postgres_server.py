#!/usr/bin/env python3
"""deploy/postgres/server.sh: a server is a folder; what was committed outlives a power cut."""
import os, pathlib, pwd, shutil, signal, socket, stat, subprocess, tempfile, unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / "deploy" / "postgres" / "server.sh"


class Server(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wr-server."))
        self.folder.chmod(0o755)
        self.dir = self.folder / "one"
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(subprocess.run, [SERVER, "remove", self.dir])

    def call(self, *args, code=0, env=None, script=SERVER, **more):
        done = subprocess.run([script, *map(str, args)], text=True, capture_output=True, timeout=300,
                              env={**os.environ, **(env or {})}, **more)
        self.assertEqual(done.returncode, code, f"{args}: {done.stdout}{done.stderr}")
        return done

    def start(self, *args, **more):
        return self.call("start", self.dir, *args, **more).stdout.strip()

    def sql(self, *commands, dsn=None, code=0):
        done = subprocess.run(["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-w", dsn or self.dsn,
                               *[a for c in commands for a in ("-c", c)]], text=True, capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.strip() if code == 0 else done.stderr

    def port(self):
        return int((self.dir / "port").read_text())

    def pid(self):
        return int(self.call("status", self.dir).stdout.split()[-1])

    def check_restart(self, end):
        self.sql("insert into n select coalesce(max(i), 0) + 1 from n")
        pid = self.pid()
        end(pid)
        self.assertEqual(self.call("status", self.dir, code=1).stdout, "not running\n")
        self.assertEqual(self.start(), self.dsn)
        self.assertNotEqual(self.pid(), pid)
        self.assertEqual(self.sql("select count(*) = max(i) and count(*) > 0 from n"), "t")

    def power_cut(self, pid):
        """Every process of it at once, as no script of ours would."""
        group = [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()
                 and self.parent(p) == pid] + [pid]
        for p in group:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:  # a worker that ended by itself
                pass
        while self.call_status() == 0:
            pass

    def call_status(self):
        return subprocess.run([SERVER, "status", self.dir], stdout=subprocess.DEVNULL).returncode

    def parent(self, folder):
        try:
            return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return 0

    def check_secrets(self):
        passfile = pathlib.Path(self.dsn.partition("passfile=")[2])
        info = passfile.stat()
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid), (0o600, os.getuid()))
        secret = passfile.read_text().splitlines()[0].rpartition(":")[2]
        self.assertEqual(len(secret), 40)
        for p in self.folder.rglob("*"):
            if p.is_file() and p != passfile:
                self.assertNotIn(secret.encode(), p.read_bytes(), p)
        self.assertNotIn(secret, self.dsn)
        without = self.dsn.partition("?")[0]
        self.assertIn("no password supplied", self.sql("select 1", dsn=without, code=2))

    def test_life_of_a_server(self):
        self.assertEqual(self.call("status", self.dir, code=1).stdout, "not running\n")
        self.assertEqual(self.call("stop", self.dir).stdout, "not running\n")
        self.dsn = self.start()
        self.assertEqual(self.call("dsn", self.dir).stdout, self.dsn + "\n")
        self.assertEqual(self.call("run", self.dir, "sh", "-c", "echo $WALLETRISK_DSN").stdout, self.dsn + "\n")
        again = self.call("start", self.dir)
        self.assertEqual((again.stdout, again.stderr), (self.dsn + "\n", "already running\n"))
        self.assertEqual(self.call("status", self.dir).stdout,
                         f"running 127.0.0.1:{self.port()} pid {self.pid()}\n")
        self.check_secrets()
        self.assertEqual(self.sql("show fsync", "show full_page_writes", "show listen_addresses",
                                  "show password_encryption",
                                  "select rolsuper from pg_roles where rolname = current_user").split("\n"),
                         ["on", "on", "127.0.0.1", "scram-sha-256", "f"])
        sockets = [l for l in pathlib.Path("/proc/net/unix").read_text().splitlines() if ".PGSQL." in l]
        self.assertFalse([l for l in sockets if f".{self.port()}" in l])
        self.sql("create table n (i int)")
        self.check_restart(lambda _: self.call("stop", self.dir))
        self.check_restart(lambda _: self.call("stop", self.dir, "--immediate"))
        self.check_restart(self.power_cut)
        self.call("stop", self.dir)
        with socket.create_server(("127.0.0.1", self.port())):
            self.assertIn(f"port {self.port()} of {self.dir} is taken by another process",
                          self.call("start", self.dir, code=1).stderr)
        self.call("remove", self.dir)
        self.assertFalse(self.dir.exists())
        self.call("remove", self.dir)

    def test_without_fsync(self):
        self.dsn = self.start("--no-fsync")
        self.assertEqual(self.sql("show fsync"), "off")

    def test_two_at_once(self):
        """Callers of one folder share a server."""
        begun = [subprocess.Popen([SERVER, "start", self.dir], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) for _ in range(3)]
        said = {p.communicate(timeout=300)[0] for p in begun}
        self.assertEqual([p.returncode for p in begun], [0, 0, 0])
        self.assertEqual(len(said), 1, said)

    def test_home_elsewhere(self):
        """What root does in a folder that the server's user may not enter."""
        home = self.folder / "home"
        self.dsn = self.start(env={"WR_PG_HOME": str(home)})
        cluster = pathlib.Path((self.dir / "home").read_text().strip())
        self.assertEqual(cluster.parent, home)
        self.assertEqual(self.sql("select 1"), "1")
        self.call("remove", self.dir)
        self.assertEqual(list(home.iterdir()), [])

    def test_goes_on_after_a_start_that_was_broken_off(self):
        (self.dir / "cluster" / "data").mkdir(parents=True)
        self.dsn = self.start()
        self.assertEqual(self.sql("select 1"), "1")

    def test_as_a_plain_user(self):
        """Root tries it as `nobody`; anybody else has run everything above as himself."""
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            # A checkout below /root is not nobody's to enter: the script is one file, and goes with him.
            script = shutil.copy(SERVER, self.folder / SERVER.name)
            os.chmod(script, 0o755)
            who = {"user": "nobody", "group": nobody.pw_gid, "extra_groups": [], "cwd": "/", "script": script}
            self.dsn = self.call("start", self.dir, **who).stdout.strip()
            self.assertEqual((self.dir / "cluster").stat().st_uid, nobody.pw_uid)
            self.assertEqual(self.call("run", self.dir, "sh", "-c", "psql -X -At -c 'select 1' $WALLETRISK_DSN",
                                       **who).stdout, "1\n")
            self.call("remove", self.dir, **who)
        else:
            self.dsn = self.start()
            self.assertEqual((self.dir / "cluster").stat().st_uid, os.getuid())

    def test_says_what_is_wrong(self):
        self.assertIn(f"no PostgreSQL 15 in {self.folder}",
                      self.call("start", self.dir, code=1, env={"WR_PG_BIN": str(self.folder)}).stderr)
        self.assertIn("has letters, digits", self.call("start", self.folder / "a b", code=1).stderr)
        self.assertIn(f"no server in {self.dir}", self.call("dsn", self.dir, code=1).stderr)
        self.assertIn(f"no server in {self.dir}", self.call("run", self.dir, "true", code=1).stderr)
        self.dir.mkdir()
        (self.dir / "home").write_text(f"{self.folder}\n")
        self.assertIn(f"names '{self.folder}', which is none of ours", self.call("remove", self.dir, code=1).stderr)
        (self.dir / "home").unlink()
        for wrong in ([], ["start"], ["start", "x", "--fast"], ["stop", "x", "--kill"], ["run", "x"], ["jump", "x"]):
            self.assertIn("server.sh start DIR", self.call(*wrong, code=2).stderr)


if __name__ == "__main__":
    unittest.main()

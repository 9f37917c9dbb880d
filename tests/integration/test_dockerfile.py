#!/usr/bin/env python3
"""deploy/Dockerfile: every RUN line in a fresh Debian tree; the programs start in the last stage.

Makes its trees below /var/tmp with debootstrap and enters them by chroot, so it wants root
(or sudo without a password).
"""
import os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, time, unittest
import dockerfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ["walletrisk", "walletrisk-ingest", "walletrisk-api"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wr-docker.", dir="/var/tmp"))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(dockerfile.remove, cls.folder)
        cls.stages = dockerfile.build(ROOT / "deploy" / "Dockerfile", ROOT, cls.folder)
        cls.last = list(cls.stages.values())[-1]

    def test_every_program_starts(self):
        for p in PROGRAMS:
            said = self.last.run([p, "--help"])
            self.assertIn(p, said)
            self.assertNotIn("not found", self.last.run(["ldd", f"/usr/local/bin/{p}"]))

    def test_last_stage_is_small_and_plain(self):
        uid, _ = self.last.ids()
        self.assertNotEqual(uid, 0)
        self.assertEqual(self.last.run("id -u").strip(), str(uid))
        for tool in ("gcc", "cmake", "npm", "git"):
            self.assertFalse((self.last.tree / "usr/bin" / tool).exists(), tool)
        self.assertNotIn("-dev", self.last.run("dpkg-query -W -f '${Package}\\n'"))
        self.assertEqual(list((self.last.tree / "var/lib/apt/lists").glob("*_Packages*")), [])

    def test_server_serves_and_is_healthy(self):
        """CMD and HEALTHCHECK as they stand, on an empty store, until SIGTERM."""
        port = free_port()
        env = {"WALLETRISK_HTTP_PORT": str(port)}
        health = self.last.said["HEALTHCHECK"]
        with self.assertRaisesRegex(AssertionError, "exit 1"):
            self.last.run(health, **env)
        self.last.run(["walletrisk", "migrate"])
        server = subprocess.Popen(self.last.argv(self.last.said["CMD"], **env), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            for _ in range(100):
                try:
                    self.last.run(health, **env)
                    break
                except AssertionError:
                    if server.poll() is not None:
                        break
                    time.sleep(0.1)
            self.assertIsNone(server.poll())
            docs = dockerfile.call("curl", "-fsS", f"http://127.0.0.1:{port}/docs")
            self.assertIn("swagger", docs)
        finally:
            server.send_signal(signal.SIGTERM)
            said, _ = server.communicate(timeout=30)
        self.assertEqual(server.returncode, 0, said)


def become_root():
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo") or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
        sys.exit("test_dockerfile.py: chroot needs root, or sudo without a password")
    os.execvp("sudo", ["sudo", "-n", "-E", sys.executable, *sys.argv])


if __name__ == "__main__":
    become_root()
    if not shutil.which("debootstrap"):
        sys.exit("test_dockerfile.py: no debootstrap (Debian package debootstrap)")
    unittest.main()

#!/usr/bin/env python3
"""docker-compose.yml without an engine: Compose accepts it, and what it promises stands in it."""
import os, pathlib, re, subprocess, tempfile, unittest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
BIN = pathlib.Path(os.environ["WALLETRISK_TEST_BIN"])
KAFKA_VERSION = re.search(r"<kafka.version>(.*)</kafka.version>",
                          (ROOT / "deploy/kafka/pom.xml").read_text()).group(1)
ONE_SHOT = {"migrate", "kafka-topic"}
SECRET = "a$b 'c\"d"


def config(folder, password):
    """`docker-compose config` of a copy, so that no .env of a developer takes part."""
    (folder / "docker-compose.yml").write_bytes(FILE.read_bytes())
    env = {k: v for k, v in os.environ.items() if k not in ("POSTGRES_PASSWORD", "COMPOSE_FILE")}
    env |= {"POSTGRES_PASSWORD": password} if password is not None else {}
    return subprocess.run(["docker-compose", "config", "-q"], cwd=folder, env=env, text=True,
                          capture_output=True)


class Compose(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.doc = yaml.safe_load(FILE.read_text())
        self.services = self.doc["services"]

    def test_compose_accepts_it(self):
        done = config(self.folder, SECRET)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_no_password_no_start(self):
        for password in (None, ""):
            done = config(self.folder, password)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("set it in .env", done.stderr)
        for name, s in self.services.items():
            for key, value in s.get("environment", {}).items():
                if "PASSWORD" in key:
                    self.assertRegex(str(value), r"^\$\{POSTGRES_PASSWORD:\?", f"{name}: {key}")
        self.assertIn(".env", (ROOT / ".gitignore").read_text().split())
        self.assertIn(".env", (ROOT / ".dockerignore").read_text().split())

    def test_services(self):
        self.assertEqual(set(self.services), {"postgres", "kafka", "kafka-topic", "migrate", "ingest", "api"})
        for name, s in self.services.items():
            with self.subTest(name):
                user = str(s["user"]).split(":")[0]
                self.assertNotIn(user, ("root", "0"))
                self.assertNotIn("privileged", s)
                if name in ONE_SHOT:
                    self.assertEqual(s["restart"], "on-failure")
                else:
                    self.assertEqual(s["restart"], "unless-stopped")
                    self.assertEqual(s["healthcheck"]["test"][0], "CMD")
                for other, how in s.get("depends_on", {}).items():
                    self.assertEqual(how["condition"], "service_completed_successfully"
                                     if other in ONE_SHOT else "service_healthy")

    def test_data_is_in_named_volumes(self):
        used = [v.split(":")[0] for s in self.services.values() for v in s.get("volumes", [])]
        self.assertEqual(sorted(used), sorted(self.doc["volumes"]))
        for name in ("postgres", "kafka"):
            self.assertTrue(self.services[name]["volumes"])

    def test_only_loopback_is_published(self):
        for name, s in self.services.items():
            for port in s.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
        # the API refuses other addresses than loopback, so its loopback must be the machine's
        self.assertEqual(self.services["api"]["network_mode"], "host")

    def test_programs_know_what_they_are_told(self):
        dockerfile = (ROOT / "deploy/Dockerfile").read_text()
        uid = re.search(r"--uid (\d+)", dockerfile).group(1)
        for name in ("migrate", "ingest", "api"):
            s = self.services[name]
            self.assertEqual(s["user"], f"{uid}:{uid}")
            if "command" in s:
                done = subprocess.run([BIN / s["command"][0], *s["command"][1:], "--help"], text=True,
                                      capture_output=True, env={"PATH": os.environ["PATH"]})
                self.assertEqual(done.returncode, 0, f"{s['command']}: {done.stderr}")
        self.assertIn(f"/{self.services['api']['healthcheck']['test'][1]}\n", dockerfile)

    def test_kafka_is_the_one_of_the_tests_and_takes_its_settings(self):
        for name in ("kafka", "kafka-topic"):
            self.assertEqual(self.services[name]["image"], f"apache/kafka:{KAFKA_VERSION}")
        env = self.services["kafka"]["environment"]
        # as the image does it: KAFKA_LOG_DIRS is log.dirs
        lines = [f"{k.removeprefix('KAFKA_').lower().replace('_', '.')}={v}" for k, v in env.items()
                 if k.startswith("KAFKA_") and k not in ("KAFKA_HEAP_OPTS", "KAFKA_LOG_DIRS")]
        path = self.folder / "server.properties"
        path.write_text("\n".join([*lines, f"log.dirs={self.folder}/data"]) + "\n")
        jars = subprocess.run([ROOT / "deploy/kafka/broker.sh", "jars"], check=True, text=True,
                              capture_output=True).stdout.strip()
        done = subprocess.run(["java", "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "-c", path,
                               "-t", env["CLUSTER_ID"]], text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(env["CLUSTER_ID"], (self.folder / "data/meta.properties").read_text())


if __name__ == "__main__":
    unittest.main()

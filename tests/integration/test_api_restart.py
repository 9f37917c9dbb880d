#!/usr/bin/env python3
"""A server that is started again takes its graph from the file that it kept, or says why not."""
import json, subprocess, unittest
from api_server import BIN, Case, environment, random_transfers

PATHS = ("/scores/top?limit=500", "/wallets/opaque:test/w7", "/wallets/opaque:test/w7/exposure")


class KeptGraph(Case):
    def setUp(self):
        self.server = self.server_for()
        self.file = self.server.folder / "graph.snap"
        self.server.flags += ["--snapshot-file", str(self.file)]
        self.server.start()
        self.wait_for("snapshot_written", self.server)  # an empty graph; then the job is over
        self.server.load(random_transfers(4000, 300, seed=11))
        self.server.label([("w1", "hack"), ("w2", "phishing"), ("w3", "exchange")])
        self.job(self.server, "/run-score")
        self.answers = self.ask()
        self.assertEqual(self.events(), ["snapshot_written", "snapshot_written"])  # empty, scored

    def job(self, server, path):
        """Run one, behind the job of the start if that is still busy with the file."""
        answers = []

        def is_done():
            answers.append(server.post(path + "?wait=true"))
            return answers[-1].status != 409

        server.wait(is_done)
        self.assertEqual(answers[-1].status, 200, answers[-1])
        return answers[-1].json

    def wait_for(self, event, server):
        """Said since the last start: a file is told of after it has changed."""
        server.wait(lambda: event in server.log.read_text().rpartition(" stopped")[2])

    def ask(self):
        return [self.server.get(path).body for path in PATHS]

    def events(self):
        """Names of what the log says of the file since the last look; each line names it."""
        lines = [x for x in self.server.log.read_text().splitlines() if " snapshot_" in x]
        for line in lines:
            self.assertIn(str(self.file), line)
        seen, self.seen = getattr(self, "seen", 0), len(lines)
        self.lines = lines[seen:]
        return [x.split()[2] for x in self.lines]

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.server.wait(lambda: self.server.get("/health/ready").json["scores"] == "loaded")

    def test_same_bytes_from_the_file(self):
        for _ in range(2):
            self.restart()
            self.assertEqual(self.ask(), self.answers)
            self.assertEqual(self.events(), ["snapshot_used"])
            self.assertIn(" info ", self.lines[0])
            self.assertIn("4000 transfers", self.lines[0])

    def test_damage_is_told_and_mended(self):
        whole = self.file.read_bytes()
        for at in (3, len(whole) // 2, len(whole) - 70):
            data = bytearray(self.file.read_bytes())
            data[at] ^= 4
            self.assertEqual(self.server.stop(), 0)
            self.file.write_bytes(data)
            self.restart_stopped()
            self.assertEqual(self.ask(), self.answers)
            self.wait_for("snapshot_written", self.server)
            self.assertEqual(self.file.read_bytes(), whole)
            self.assertEqual(self.events(), ["snapshot_refused", "snapshot_written"])
            self.assertIn(" warn ", self.lines[0])

    def restart_stopped(self):
        self.server.start()
        self.server.wait(lambda: self.server.get("/health/ready").json["scores"] == "loaded")

    def test_file_of_another_store(self):
        other = self.server_for("--snapshot-file", str(self.file)).start()
        self.wait_for("snapshot_written", other)
        self.assertIn("snapshot_refused", other.log.read_text())
        other.load(random_transfers(100, 30, seed=12))
        self.job(other, "/run-score")
        self.assertEqual(other.stop(), 0)
        self.restart()
        self.assertEqual(self.ask(), self.answers)
        self.wait_for("snapshot_written", self.server)
        self.assertEqual(self.events(), ["snapshot_refused", "snapshot_written"])
        self.assertIn("of store", self.lines[0])

    def test_transfers_that_came_later_are_not_missed(self):
        self.server.load(random_transfers(50, 300, seed=13, first=90000))
        self.restart()
        self.assertEqual(self.events(), ["snapshot_used"])  # for the run
        scores = self.server.get(PATHS[0]).json
        self.assertTrue(scores["is_stale"])
        self.assertEqual(scores["scores"], json.loads(self.answers[0])["scores"])
        self.assertEqual(self.job(self.server, "/reload-graph")["transfers"], 4050)
        self.assertEqual(self.events(), [])  # the run's graph is the one to keep
        self.job(self.server, "/run-score")
        self.assertEqual(self.events(), ["snapshot_written"])

    def test_the_command_line_keeps_the_same_file(self):
        self.assertEqual(self.server.stop(), 0)
        self.file.unlink()
        explain = ("explain", "opaque:test", "w7", "--snapshot-file", self.file)
        self.server.run("walletrisk", *explain)  # reads, never writes
        self.assertFalse(self.file.exists())
        self.server.run("walletrisk", "score", "--snapshot-file", self.file)
        want = self.server.run("walletrisk", *explain)
        data = bytearray(self.file.read_bytes())
        data[len(data) // 2] ^= 1
        self.restart_stopped()
        self.assertEqual(self.events(), ["snapshot_used"])
        self.assertEqual(self.server.get(PATHS[0]).json["scores"],
                         json.loads(self.answers[0])["scores"])
        self.file.write_bytes(data)
        done = subprocess.run([BIN / "walletrisk", *explain], env=environment(self.server.dsn),
                              text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (0, want))
        self.assertIn(f"snapshot file refused: {self.file}: ", done.stderr)

    def test_folder_that_is_not_there(self):
        self.assertEqual(self.server.stop(), 0)
        self.file = self.server.folder / "missing" / "graph.snap"
        self.server.flags[-1] = str(self.file)
        before = len(self.server.log.read_text())
        self.restart_stopped()
        self.assertEqual(self.ask(), self.answers)
        self.server.wait(lambda: "snapshot_not_written" in self.server.log.read_text()[before:])
        line = self.server.log.read_text()[before:].split("snapshot_not_written")[1]
        self.assertIn(f"{self.file}", line.splitlines()[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)

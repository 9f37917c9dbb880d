#!/usr/bin/env python3
"""What strangers send: caps, malformed heads, smuggling, slow clients.  The server lives on."""
import json, os, re, socket, threading, time, unittest
import api_contract as contract
from api_server import CHAIN, Case, transfer

HOST = b"Host: 127.0.0.1\r\n"


def status_of(got):
    m = re.match(rb"HTTP/1\.1 (\d{3}) [^\r\n]+\r\n", got)
    return int(m[1]) if m else None


def answers(got):
    """The statuses of all answers in a row."""
    return [int(m) for m in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", got)]


class Limits(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.server_for("--http-timeout-ms", "2000", "--http-body-max-bytes",
                                    str(1 << 20)).start()
        cls.server.load([transfer(1, "a", "b", 1)])

    def tearDown(self):
        self.assertTrue(self.server.is_alive(), self.server.log.read_text()[-2000:])

    def raw_status(self, data, **more):
        got = self.server.raw(data, **more)
        if got:
            head, _, body = got.partition(b"\r\n\r\n")
            if status_of(got) >= 400:
                self.assertIn(b"application/problem+json", head)
                contract.check_schema(contract.DOCUMENT["components"]["schemas"]["Problem"],
                                      json.loads(body), data[:60])
        return status_of(got)

    # --- bodies --------------------------------------------------------------------------

    def test_50_megabytes_are_refused_and_the_client_learns_why(self):
        body = b"[" + b" " * (50 << 20) + b"]"
        head = b"POST /transactions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        got = self.server.raw(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.assertEqual(status_of(got), 413)
        chunk = b"%x\r\n" % (1 << 16) + b" " * (1 << 16) + b"\r\n"
        got = self.server.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 800 + b"0\r\n\r\n")
        self.assertEqual(status_of(got), 413)

    def test_the_cap_is_exact(self):
        for extra, status in ((0, 200), (1, 413)):
            body = "[" + " " * ((1 << 20) - 2 + extra) + "]"
            self.assertEqual(self.server.post("/transactions", body).status, status)

    def test_expect_continue(self):
        head = (b"POST /transactions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
                b"Expect: 100-continue\r\nConnection: close\r\n")
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as s:
            s.sendall(head + b"Content-Length: 2\r\n\r\n")
            self.assertEqual(s.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(b"[]")
            self.assertEqual(status_of(s.recv(65536)), 200)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as s:
            begun = time.monotonic()
            s.sendall(head + b"Content-Length: 99999999\r\n\r\n")
            self.assertEqual(status_of(s.recv(65536)), 413)  # before a byte of it was sent
            self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(self.raw_status(head.replace(b"100-continue", b"tea") + b"\r\n"), 417)

    def test_json_nested_1000_deep_and_100000_deep(self):
        for depth in (33, 1000, 100000):
            for body in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
                for path in ("/transactions", "/screen"):
                    self.assertEqual(self.server.post(path, body).status, 413, (path, depth))
        deep = {"addresses": [[[["x"]]]]}
        self.assertEqual(self.server.post("/screen", deep).status, 207)

    def test_too_many_items(self):
        self.assertEqual(self.server.post("/screen", {"addresses": ["a"] * 10001}).status, 413)
        self.assertEqual(self.server.post("/transactions", "[" + "1," * 10000 + "1]").status, 413)
        self.assertEqual(self.server.post("/screen", {"addresses": ["a"] * 10000}).status, 207)

    def test_body_where_none_belongs(self):
        for method, path in (("GET", "/health/live"), ("POST", "/run-score"), ("GET", "/nowhere")):
            r = self.server.ask(method, path, body="{}")
            self.assertIn(r.status, (400, 404))

    def test_chunked_body_works(self):
        body = json.dumps(transfer(77, "a", "b", 1)).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7])
                          for i in range(0, len(body), 7))
        got = self.server.raw(b"POST /transactions HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"
                              b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                              + chunks + b"0\r\n\r\n")
        self.assertEqual(status_of(got), 201)

    def test_broken_chunks(self):
        head = (b"POST /transactions HTTP/1.1\r\n" + HOST +
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for tail in (b"zz\r\n[]\r\n", b"2\r\n[]XX", b"-1\r\n[]\r\n0\r\n\r\n", b"ffffffffffffffff\r\n[]",
                     b"2;ext=1\r\n[]\r\n0\r\n\r\n", b"\r\n\r\n"):
            self.assertEqual(self.raw_status(head + tail, end=True), 400, tail)

    # --- heads ---------------------------------------------------------------------------

    def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(self):
        smuggled = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
        json_type = b"Content-Type: application/json\r\n"
        for headers in (
                HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                HOST + b"Content-Length: 2\r\nContent-Length: 40\r\n",
                HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n",
                HOST + b"Content-Length : 2\r\n",
                HOST + b"Content-Length: +2\r\n",
                HOST + b"Content-Length: 2, 2\r\n",
                HOST + b"Content-Length: 0x2\r\n",
                HOST + b"Content-Length: -1\r\n",
                HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                HOST + b"Transfer-Encoding: identity\r\n",
                HOST + b"Transfer-Encoding: xchunked\r\n",
                HOST + b"X: a\r\n folded: b\r\nContent-Length: 2\r\n",
                HOST + b"X: a\r\nCaf\xc3\xa9: b\r\nContent-Length: 2\r\n",
                HOST + b"X: a\nContent-Length: 2\r\n",
                HOST + HOST,
                b"Accept: */*\r\n"):
            for method in (b"POST", b"GET"):
                got = self.server.raw(method + b" /transactions HTTP/1.1\r\n" + json_type + headers +
                                      b"\r\n[]" + smuggled)
                found = answers(got)
                self.assertEqual(len(found), 1, (headers, got[-400:]))
                self.assertIn(found[0], (400, 411), headers)
                self.assertIn(b"Connection: close", got)

    def test_refused_bodies_are_no_next_request(self):
        smuggled = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        for start in (b"GET /health/live", b"POST /nowhere", b"POST /run-score", b"PUT /labels"):
            got = self.server.raw(start + b" HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" %
                                  len(smuggled) + smuggled)
            self.assertEqual(len(answers(got)), 1, got)

    def test_foreign_hosts_and_origins(self):
        for host, status in ((b"evil.example", 421), (b"127.0.0.1.evil.example:80", 421),
                             (b"localhost:1234", 200), (b"[::1]", 200)):
            got = self.raw_status(b"GET /health/live HTTP/1.1\r\nHost: " + host +
                                  b"\r\nConnection: close\r\n\r\n")
            self.assertEqual(got, status, host)
        for origin in (b"http://evil.example", b"null", b"https://127.0.0.1"):
            self.assertEqual(self.raw_status(b"POST /run-score HTTP/1.1\r\n" + HOST + b"Origin: " +
                                             origin + b"\r\n\r\n"), 403)

    def test_long_targets_and_heads(self):
        self.assertEqual(self.server.get("/scores/top?page=" + "x" * 9000).status, 414)
        self.assertEqual(self.server.get("/health/live", headers={"X-Long": "x" * 9000}).status, 431)
        self.assertEqual(self.server.get("/health/live", headers={f"X-{i}": "1" for i in range(70)}).status, 431)
        # over civetweb's own buffer: it has one word for this and for malformed heads
        self.assertEqual(self.raw_status(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n"), 400)

    def test_nonsense_instead_of_http(self):
        for data in (b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"BREW /coffee HTTP/1.1\r\n" + HOST + b"\r\n", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET /health/live\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET /%00 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
                     b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
                     b"GET /docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
                     os.urandom(4000)):
            status = self.raw_status(data, end=True)
            self.assertTrue(status is None or 400 <= status < 600, (data[:60], status))

    def test_paths_are_decoded_once(self):
        r = self.server.get(f"/wallets/{CHAIN}/a%2Fb")  # a '/' inside an address
        self.assertEqual(r.status, 404)  # no run yet, so the address itself was fine
        self.assertEqual(self.server.get("/wallets/eip155%3A1/0x12").status, 422)
        self.assertEqual(self.server.get("/wallets/opaque:test/%zz").status, 400)
        self.assertEqual(self.server.get("/wallets/opaque:test/a%00b").status, 400)

    def test_questions_about_made_up_chains_fill_no_table(self):
        c = self.server.connect()
        for i in range(4200):  # more than the 4096 chains a process may know
            r = self.server.get(f"/labels?chain=opaque:made{i}", connection=c)
            self.assertEqual(r.status, 200)
        c.close()
        r = self.server.post("/screen", {"addresses": [f"opaque:up{i}:a" for i in range(5000)]})
        self.assertEqual((r.status, r.json["errors"]), (200, 0))
        r = self.server.post("/transactions", transfer(900, "a", "b", 1, chain="opaque:fresh"))
        self.assertEqual(r.status, 201)

    def test_request_ids(self):
        r = self.server.get("/health/live", headers={"X-Request-Id": "mine-1.2_3"})
        self.assertEqual(r.headers["X-Request-Id"], "mine-1.2_3")
        for bad in ("x" * 65, "a b", "a;b", '"'):
            r = self.server.get("/health/live", headers={"X-Request-Id": bad})
            self.assertRegex(r.headers["X-Request-Id"], "^[0-9a-f]{16}$")

    def test_keep_alive_and_pipelining(self):
        one = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        self.assertEqual(answers(self.server.raw(one * 20 + last)), [200] * 21)
        # an error that has read its whole request keeps the connection
        miss = b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n"
        self.assertEqual(answers(self.server.raw(miss + one + last)), [404, 200, 200])

    def test_requests_that_come_in_pieces(self):
        body = json.dumps(transfer(77, "a", "b", 1)).encode()
        post = (b"POST /transactions HTTP/1.1\r\n" + HOST +
                b"Content-Type: application/json\r\nX-Pad: " + b"p" * 6000 +
                b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        get = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        whole = get + post + get + post + last
        cuts = [1, 20, len(get), len(get) + 1, len(get) + 4096, len(get) + 5000,
                len(get) + len(post) - len(body), len(get) + len(post) - 3,
                len(get) + len(post) + 7, len(whole) - 1]
        for cut in cuts + [None]:
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=15) as s:
                for part in (whole[:cut], whole[cut:] if cut else b""):
                    s.sendall(part)
                    time.sleep(0.05)
                got = b""
                while part := s.recv(65536):
                    got += part
            seen = answers(got)
            self.assertEqual((seen[0], seen[2], seen[4]), (200, 200, 200), (cut, seen))
            self.assertEqual(len(seen), 5)
            self.assertTrue({seen[1], seen[3]} <= {200, 201}, (cut, seen))

    def test_idle_connections_are_kept_for_seconds(self):
        c = self.server.connect()
        for wait_s in (0, 2.5, 4.5):  # beyond one wait of civetweb, short of the end
            time.sleep(wait_s)
            self.assertEqual(self.server.get("/health/live", connection=c).status, 200)
            self.assertIsNotNone(c.sock)
        begun = time.monotonic()
        self.assertEqual(c.sock.recv(1), b"")
        self.assertTrue(3 < time.monotonic() - begun < 9)
        c.close()

    # --- slow clients --------------------------------------------------------------------

    def test_slow_heads_and_bodies_are_cut(self):
        body = (b"POST /transactions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n")
        for begin, drip, status in (
                (b"GET /health/live HTTP/1.1\r\n", b"X: y\r\n", {None, 400}),
                (body + b"Content-Length: 100000\r\n\r\n", b"[", {408, 400}),
                (body + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n", {408, 400})):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as s:
                begun = time.monotonic()
                s.sendall(begin)
                s.settimeout(0.2)
                got = b""
                while time.monotonic() - begun < 12:
                    try:
                        part = s.recv(65536)
                        got += part
                        if not part:
                            break
                    except TimeoutError:
                        pass
                    except ConnectionResetError:
                        break
                    try:
                        s.sendall(drip)
                    except OSError:
                        break
                took = time.monotonic() - begun
            self.assertIn(status_of(got), status, begin)
            self.assertLess(took, 10, begin)

    def test_chunked_body_that_never_ends_holds_nobody_up(self):
        stop = threading.Event()
        cut = []

        def endless():
            chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
            try:
                with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
                    s.sendall(b"POST /transactions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\n")
                    while not stop.is_set():
                        s.sendall(chunk)
            except OSError:
                cut.append(1)

        threads = [threading.Thread(target=endless) for _ in range(4)]
        for t in threads:
            t.start()
        begun = time.monotonic()
        while time.monotonic() - begun < 3:
            self.assertEqual(self.server.get("/health/live").status, 200)
        stop.set()
        for t in threads:
            t.join()
        self.assertEqual(len(cut), 4)

    def test_slowloris_on_most_of_the_workers(self):
        slow = []
        try:
            for _ in range(80):
                s = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
                s.sendall(b"GET /health/live HTTP/1.1\r\nX-Drip: ")
                slow.append(s)
            for _ in range(50):
                self.assertEqual(self.server.get("/health/live").status, 200)
            time.sleep(3)  # http_timeout_ms is 2000
            for s in slow:
                s.settimeout(5)
                try:
                    while s.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
        finally:
            for s in slow:
                s.close()


class FewWorkers(Case):
    def test_more_clients_than_workers_all_get_their_turn(self):
        server = self.server_for("--http-threads", "4").start()
        failures, served = [], []

        def client():
            try:
                c = server.connect()
                for _ in range(300):
                    if server.get("/health/live", connection=c).status != 200:
                        failures.append("status")
                    time.sleep(0.005)
                c.close()
                served.append(1)
            except OSError as e:
                failures.append(repr(e))

        threads = [threading.Thread(target=client) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual((failures, len(served)), ([], 12))


class Start(Case):
    def refused(self, *flags):
        server = self.server_for()
        process = server.spawn(*flags)
        code = process.wait(timeout=20)
        return code, server.log.read_text()

    def test_only_loopback_addresses(self):
        for host in ("0.0.0.0", "192.168.1.1", "::", "example.org", ""):
            code, log = self.refused("--http-host", host)
            self.assertEqual(code, 1, host)
            self.assertIn("no login yet", log)

    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            code, log = self.refused("--http-port", str(port))
        self.assertEqual(code, 1)
        self.assertIn(str(port), log)

    def test_unmigrated_store_says_what_to_run(self):
        server = self.server_for()
        server.db.unlink()
        process = server.spawn()
        self.assertEqual(process.wait(timeout=20), 1)
        self.assertIn("walletrisk migrate", server.log.read_text())

    def test_usage(self):
        self.assertEqual(self.refused("--nonsense")[0], 2)
        self.assertEqual(self.refused("--http-port", "70000")[0], 2)
        self.assertEqual(self.refused("--help")[0], 0)
        self.assertEqual(self.refused("--version")[0], 0)
        code, log = self.refused("--dsn", "memory:")
        self.assertEqual(code, 1)
        self.assertIn("memory:", log)


if __name__ == "__main__":
    unittest.main()

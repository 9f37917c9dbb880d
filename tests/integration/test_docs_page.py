#!/usr/bin/env python3
"""/docs as somebody sees it: the real Swagger UI in a real browser (Chromium, headless)."""
import os, pathlib, subprocess, tempfile, unittest
import yaml
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from api_server import CHAIN, ROOT, Server, transfer

WEB = ROOT / "api" / "web"
WAIT_S = 60
METHODS = ("get", "post", "put", "patch", "delete")


def open_browser(folder):
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-proxy-server",
                 "disable-background-networking", "window-size=1400,2000", f"user-data-dir={folder}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class DocsPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([WEB / "install.sh"], check=True)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = Server(folder.name, "--docs-dir", str(WEB / "node_modules" / "swagger-ui-dist"))
        cls.addClassCleanup(cls.server.end)
        cls.server.start()
        cls.server.load([transfer(1, "thief", "a", 100), transfer(2, "clean", "b", 40)])
        cls.server.label([("thief", "hack")])
        cls.server.score()
        cls.browser = open_browser(pathlib.Path(folder.name) / "browser")
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.browser.get_log("browser")     # forgets what it said of another test
        self.open_page()

    def open_page(self):
        self.browser.get(f"{self.server.url}/docs")
        self.wait(lambda: self.all(".opblock"))

    def all(self, css, within=None):
        return (within or self.browser).find_elements(By.CSS_SELECTOR, css)

    def wait(self, is_there):
        try:
            return WebDriverWait(self.browser, WAIT_S).until(lambda _: is_there())
        except Exception as e:
            raise AssertionError(f"not there after {WAIT_S} s; the page:\n{self.browser.page_source[:4000]}\n"
                                 f"{self.browser.get_log('browser')}") from e

    def click(self, css, within=None):
        """Scripted: what the page's own header covers cannot be hit by a pointer."""
        found = self.wait(lambda: self.all(css, within))
        self.browser.execute_script("arguments[0].click()", found[0])

    def block(self, method, path):
        for b in self.all(f".opblock-{method}"):
            if self.all(".opblock-summary-path", b)[0].get_attribute("data-path") == path:
                return b
        self.fail(f"no {method} {path} on the page")

    def call(self, method, path, **fields):
        """As a reader does: open, Try it out, fill in, Execute; status and body of the answer."""
        b = self.block(method, path)
        self.click(".opblock-summary-control", b)
        self.click(".try-out__btn", b)
        for name, value in fields.items():
            row = self.wait(lambda: self.all(f"tr[data-param-name='{name}'] input", b))
            row[0].send_keys(value, Keys.TAB)       # the page takes a field when it is left
        self.click(".execute", b)
        status = self.wait(lambda: self.all(".live-responses-table .response-col_status", b)[1:])
        return status[0].text, self.all(".live-responses-table", b)[0].text

    def errors(self):
        return [e for e in self.browser.get_log("browser") if e["level"] == "SEVERE"]

    def test_every_operation_is_shown_and_nothing_is_refused(self):
        document = yaml.safe_load((ROOT / "api" / "openapi.yaml").read_text())
        wanted = sorted((m, p) for p, item in document["paths"].items() for m in METHODS if m in item)
        shown = sorted((self.all(".opblock-summary-method", b)[0].text.lower(),
                        self.all(".opblock-summary-path", b)[0].get_attribute("data-path"))
                       for b in self.all(".opblock"))
        self.assertEqual(shown, wanted)
        self.assertEqual(self.browser.title, "walletrisk API")
        self.assertIn(document["info"]["title"], self.all(".info .title")[0].text)
        self.assertEqual(self.errors(), [])     # neither by our Content-Security-Policy, nor not found

    def test_it_can_be_tried_out(self):
        status, text = self.call("get", "/scores/top")
        self.assertIn("200", status)
        self.assertIn('"thief"', text)
        self.assertEqual(self.errors(), [])

    def test_fields_reach_the_server(self):
        wallet = "/wallets/{chain}/{address}"
        status, text = self.call("get", wallet, chain=CHAIN, address="nobody")
        self.assertIn("200", status)
        self.assertIn("not_in_graph", text)
        self.open_page()
        status, text = self.call("get", wallet, chain="nochain", address="nobody")
        self.assertIn("422", status)
        self.assertIn("nochain", text)      # a problem that names the value


if __name__ == "__main__":
    unittest.main(verbosity=2)

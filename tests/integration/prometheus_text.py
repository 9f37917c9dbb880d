"""A strict reader of the Prometheus text format 0.0.4."""
import math, pathlib, re, subprocess

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)\Z")


class Metric:
    def __init__(self, name):
        self.name, self.help, self.type, self.samples = name, None, None, {}

    def value(self, **labels):
        return self.samples[(self.name, tuple(sorted(labels.items())))]


def parse_labels(text):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m, f"bad labels: {text}"
        assert m[1] not in labels, f"label twice: {text}"
        labels[m[1]] = m[2]
        at = m.end()
        if at < len(text):
            assert text[at] == ",", f"bad labels: {text}"
            at += 1
    return labels


def check_histogram(m):
    by_labels = {}
    for (name, labels), value in m.samples.items():
        rest = tuple(x for x in labels if x[0] != "le")
        le = dict(labels).get("le")
        by_labels.setdefault(rest, {})[(name.removeprefix(m.name), le)] = value
    for labels, group in by_labels.items():
        buckets = sorted((math.inf if le == "+Inf" else float(le), v)
                         for (part, le), v in group.items() if part == "_bucket")
        assert buckets and buckets[-1][0] == math.inf, f"{m.name}{labels}: no +Inf bucket"
        counts = [v for _, v in buckets]
        assert counts == sorted(counts), f"{m.name}{labels}: buckets go down"
        assert group[("_count", None)] == counts[-1], f"{m.name}{labels}: count"
        assert ("_sum", None) in group, f"{m.name}{labels}: no sum"


def parse(text):
    metrics, current = {}, None
    assert text.endswith("\n"), "the last line has no end"
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            kind, name, rest = line[2:].split(" ", 2)
            assert kind in ("HELP", "TYPE") and NAME.match(name), line
            if current is None or current.name != name:
                assert name not in metrics, f"{name} in two places"
                current = metrics[name] = Metric(name)
            assert not current.samples, f"{line}: behind its samples"
            attribute = kind.lower()
            assert getattr(current, attribute) is None, f"{line}: twice"
            if kind == "TYPE":
                assert rest in ("counter", "gauge", "histogram"), line
            setattr(current, attribute, rest)
            continue
        m = SAMPLE.match(line)
        assert m, f"bad line: {line}"
        name, labels, value = m[1], parse_labels(m[2] or ""), float(m[3])
        assert current and current.type and current.help, f"{line}: no HELP and TYPE"
        parts = ("", "_bucket", "_sum", "_count") if current.type == "histogram" else ("",)
        assert any(name == current.name + p for p in parts), f"{line}: under {current.name}"
        assert current.type != "counter" or name.endswith("_total"), line
        assert current.type == "gauge" or value >= 0, line
        key = (name, tuple(sorted(labels.items())))
        assert key not in current.samples, f"{line}: twice"
        current.samples[key] = value
    for m in metrics.values():
        assert m.samples, f"{m.name}: no sample"
        if m.type == "histogram":
            check_histogram(m)
    return metrics


def promtool(text):
    root = pathlib.Path(__file__).parents[2]
    tool = subprocess.run([root / "tests/support/promtool.sh", root / "build/tools"], text=True,
                          check=True, capture_output=True).stdout.strip()
    done = subprocess.run([tool, "check", "metrics"], input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr

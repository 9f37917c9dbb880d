#!/usr/bin/python3
"""Read what export_samples wrote with other people's readers and compare node by node.

    check_exports.py EXPORT_SAMPLES     (NetworkX and the csv, json modules)
"""
import csv, datetime, json, math, re, subprocess, sys, tempfile
from pathlib import Path

import networkx as nx

BLANKS = re.compile("[\t\n\r]")
# XML 1.0's illegal characters, DEL and C1
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def cleaned(raw):
    return CONTROLS.sub("\ufffd", BLANKS.sub(" ", raw.decode("utf-8", "replace")))


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def expectation(path):
    doc = json.loads(path.read_text())
    for n in doc["nodes"]:
        n["label"] = cleaned(bytes.fromhex(n.pop("label_hex")))
    for e in doc["edges"]:
        first, last = iso(e.pop("first_s")), iso(e.pop("last_s"))
        if doc["is_transfer_level"]:
            del e["tx_count"]
            e["timestamp"] = first
        else:
            e["first_seen"], e["last_seen"] = first, last
    return doc


def close(a, b, digits15=False):
    if isinstance(a, float) and digits15:
        return isinstance(b, float) and math.isclose(a, b, rel_tol=1e-14, abs_tol=2.3e-308)
    return type(a) is type(b) and a == b


def same(want, got, where, absent=None, digits15=False):
    """Every wanted key with its type and value; nothing else."""
    for key, value in want.items():
        if value is None:
            if absent is None:
                assert key not in got, f"{where}: {key} should be absent, is {got[key]!r}"
            else:
                assert got.get(key) == absent or key not in got, f"{where}: {key}: {got.get(key)!r}"
            continue
        if value == "" and key not in got:
            continue  # NetworkX makes nothing of <data/>
        assert key in got, f"{where}: {key} is missing"
        assert close(value, got[key], digits15), f"{where}: {key}: want {value!r}, got {got[key]!r}"
    extra = set(got) - set(want)
    assert not extra, f"{where}: unexpected {extra}"


def by_edge(edges):
    """(source, target, tx_hash) is unique in the sample."""
    return {(e["source"], e["target"], e["tx_hash"]): e for e in edges}


def check_graphml(folder, want):
    g = nx.read_graphml(folder / "sample.graphml", force_multigraph=True)
    assert g.is_directed()
    assert g.graph["run_id"] == want["run_id"]
    assert g.graph["is_truncated"] is False
    assert g.graph["label_sources"] == 'ofac <2026>; "tag pack"'
    assert len(g) == len(want["nodes"]) and g.number_of_edges() == len(want["edges"])
    ids = {}
    for i, w in enumerate(want["nodes"]):
        got = g.nodes[f"n{i}"]
        same(w, got, f"graphml node {i}", absent="", digits15=True)
        ids[f"n{i}"] = got["id"]
    found = by_edge(dict(d, source=ids[u], target=ids[v]) for u, v, d in g.edges(data=True))
    for w in want["edges"]:
        same(w, found[(w["source"], w["target"], w["tx_hash"])], f"graphml edge {w}", "", True)


def check_gexf(folder, want):
    g = nx.read_gexf(folder / "sample.gexf")
    assert len(g) == len(want["nodes"]) and g.number_of_edges() == len(want["edges"])
    for w in want["nodes"]:
        got = dict(g.nodes[w["id"]])
        got.setdefault("label", "")
        same(w, got, f"gexf node {w['id']}")
    found = by_edge(dict(d, source=u, target=v) for u, v, d in g.edges(data=True))
    for w in want["edges"]:
        got = found[(w["source"], w["target"], w["tx_hash"])]
        got.pop("id", None)  # the reader's own
        start, end = got.pop("start"), got.pop("end")
        assert start == w.get("timestamp", w.get("first_seen")), start
        assert end == w.get("timestamp", w.get("last_seen")), end
        same(w, got, f"gexf edge {w}")


def as_cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def check_row(want, got, where):
    assert list(want) and set(want) == set(got), f"{where}: columns {list(got)}"
    for key, value in want.items():
        cell = got[key]
        if isinstance(value, float):
            assert float(cell) == value, f"{where}: {key}: {cell!r}"
        else:
            text = as_cell(value)
            if key not in ("in_amount",) and text[:1] in ("=", "+", "-", "@") and text:
                text = "'" + text
            assert cell == text, f"{where}: {key}: want {text!r}, got {cell!r}"


def check_csv(folder, want):
    for name, rows, first in (("entities.csv", want["nodes"], ["id", "label", "network", "hop", "is_hub"]),
                              ("links.csv", want["edges"], ["source", "target", "value"])):
        raw = (folder / name).read_bytes()
        assert raw.endswith(b"\r\n") and raw.count(b"\n") == len(rows) + 1
        with open(folder / name, newline="", encoding="utf-8") as f:
            reader = csv.DictReader(f, strict=True)
            got = list(reader)
        assert reader.fieldnames[:len(first)] == first, reader.fieldnames
        assert len(got) == len(rows)
        for i, (w, g) in enumerate(zip(rows, got)):
            check_row(w, g, f"{name} row {i}")
            for cell in g.values():
                assert cell[:1] not in ("=", "+", "-", "@"), f"{name}: formula {cell!r}"


def check_json(folder, want):
    doc = json.loads((folder / "sample.json").read_text())
    assert doc["directed"] is True and doc["multigraph"] is want["is_transfer_level"]
    assert doc["graph"]["run_id"] == want["run_id"] and doc["graph"]["is_truncated"] is False
    assert len(doc["nodes"]) == len(want["nodes"]) and len(doc["edges"]) == len(want["edges"])
    for kind in ("nodes", "edges"):
        for w, got in zip(want[kind], doc[kind]):
            assert set(w) == set(got), (set(w) ^ set(got))
            for key, value in w.items():
                if isinstance(value, float):
                    assert float(got[key]) == value, (kind, key, got[key])
                else:
                    assert got[key] == value, (kind, key, value, got[key])


def main(samples):
    for level in ("pair", "transfer"):
        with tempfile.TemporaryDirectory() as tmp:
            folder = Path(tmp)
            subprocess.run([samples, tmp, level], check=True, stdout=subprocess.DEVNULL)
            want = expectation(folder / "expected.json")
            assert want["is_transfer_level"] is (level == "transfer")
            for check in (check_graphml, check_gexf, check_csv, check_json):
                check(folder, want)
                print(f"{level}: {check.__name__}: {len(want['nodes'])} nodes, {len(want['edges'])} edges")


main(sys.argv[1])

#!/usr/bin/env python3
"""Columns of the Graph Feature Preprocessor (snapml) for the account-to-account rows.

    gentex_peer.py ROWS OUT BATCH [LIMIT_S]

Called by gentex.py with the Python that has snapml.  Writes the columns as floats to OUT
and prints "COLUMNS ROWS_PER_S".  ROWS as for bench_quality_gentex.  With LIMIT_S nothing
is written, source and sink are in the graph, and it stops after so many seconds: a figure
of speed only.  The rate is rows by second of processor time on one thread, as that of
ours: other work on the machine then shows less.
"""
import sys
import time

import numpy
from snapml import GraphFeaturePreprocessor

BINS = list(range(2, 16))
WINDOW = 28                     # steps; PROTOCOL.md, "peer's parameters"
PARAMS = {"num_threads": 1, "time_window": 101, "max_no_edges": -1,
          "vertex_stats": True, "vertex_stats_tw": 101, "vertex_stats_cols": [4],
          "vertex_stats_feats": [0, 1, 2, 3, 4, 8, 9, 10],
          "fan": True, "fan_tw": WINDOW, "fan_bins": BINS,
          "degree": True, "degree_tw": WINDOW, "degree_bins": BINS,
          "scatter-gather": True, "scatter-gather_tw": WINDOW, "scatter-gather_bins": BINS,
          "temp-cycle": True, "temp-cycle_tw": WINDOW, "temp-cycle_bins": BINS,
          "lc-cycle": False}
RAW = 4                         # id, from, to and absolute step come back first: not features


def read_rows(path, with_hubs):
    rows = numpy.loadtxt(path, usecols=(0, 1, 2, 3), dtype=numpy.float64)
    if not with_hubs:
        rows = rows[(rows[:, 1] >= 0) & (rows[:, 2] >= 0)]
    rows[rows[:, 1] < 0, 1] = 20000     # the source, the sink: numbers no account has
    rows[rows[:, 2] < 0, 2] = 20001
    return numpy.ascontiguousarray(numpy.column_stack(
        [numpy.arange(len(rows)), rows[:, 1], rows[:, 2], rows[:, 0], rows[:, 3]]))


def transform(rows, batch, limit_s):
    peer = GraphFeaturePreprocessor()
    peer.set_params(PARAMS)
    out, done = [], 0
    start = time.process_time()
    for lo in range(0, len(rows), batch):
        got = peer.transform(rows[lo:lo + batch])
        done += len(got)
        if not limit_s:
            out.append(got.astype(numpy.float32))
        elif time.process_time() - start > limit_s:
            break
    return out, done / (time.process_time() - start)


def main():
    path, out_path, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    limit_s = float(sys.argv[4]) if len(sys.argv) > 4 else 0
    rows = read_rows(path, with_hubs=bool(limit_s))
    out, per_s = transform(rows, batch, limit_s)
    columns = 0
    if out:
        got = numpy.concatenate(out)
        step = rows[:, 3]
        x = numpy.column_stack([got[:, RAW:], step % 7, step % 28]).astype(numpy.float32)
        x[~numpy.isfinite(x)] = numpy.nan       # missing
        numpy.ascontiguousarray(x).tofile(out_path)
        columns = x.shape[1]
    print(columns, f"{per_s:.0f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Kafka -> PostgreSQL: `walletrisk-ingest kafka` beside its limits and beside the usual way.

    tests/bench/bench_kafka.py [--transfers 1000000] [--partitions 4] [--rounds 3] [--usual 200000]

A real broker and a private PostgreSQL, the simulator's stream as JSON.  In each round, one
after the other on the same machine:

  ours    the topic into an empty store, with ledger, offsets and dead letters
  drain   librdkafka consumes the topic and discards it
  copy    binary COPY of the same rows, ready made, into a table of the same columns and keys
  usual   decode, row-by-row INSERT ... ON CONFLICT DO NOTHING, one transaction per 500; only
          the first --usual messages, into an empty table of texts (both to its advantage)

Rates are by wall clock, from the start of the client to the last commit.  CPU is user +
system seconds per million transfers: of the program, and of the PostgreSQL server during it.
MB = 10^6 bytes of message values; for copy, of its rows.
"""
import argparse
from chain import BIN, Chain, spread

PEERS = BIN / "bench_kafka_peers"
OF_SLOWER, OF_USUAL, RSS_MB = 0.6, 10, 200    # targets


def show(name, n, bytes_, done):
    s = done.out["seconds"]
    print(f"  {name:6} {n / s:10.0f}/s {bytes_ / 1e6 / s:8.1f} MB/s  cpu per million: {done.cpu_s / n * 1e6:6.2f} s, "
          f"server {done.server_cpu_s / n * 1e6:6.2f} s   peak {done.rss_mb:6.1f} MB", flush=True)
    return n / s


def one_round(c, opt, k, produced):
    c.new_store()
    ours = c.timed("ours", *c.consumer_args("bench", "--until-end", "--group", f"ours{k}"))
    if ours.out["inserted"] != opt.transfers or ours.out["dead"] != 0:
        raise SystemExit(f"ours stored {ours.out['inserted']} of {opt.transfers}: {ours.out}")
    drain = c.timed("drain", PEERS, "drain", c.brokers, "bench", f"drain{k}")
    value_bytes = drain.out["bytes"]
    if drain.out["messages"] != produced["delivered"]:
        raise SystemExit(f"drained {drain.out['messages']} of {produced['delivered']}")
    copy = c.timed("copy", PEERS, "copy", c.dsn)
    if copy.out["rows"] != opt.transfers:
        raise SystemExit(f"copied {copy.out['rows']} of {opt.transfers}")
    c.drop_database(c.dsn)
    other = c.new_database()
    usual = c.timed("usual", PEERS, "insert", c.brokers, "bench", f"usual{k}", other, opt.usual)
    c.drop_database(other)
    print(f"round {k + 1}")
    rate = {"ours": show("ours", opt.transfers, value_bytes, ours),
            "drain": show("drain", opt.transfers, value_bytes, drain),
            "copy": show("copy", opt.transfers, copy.out["bytes"], copy),
            "usual": show("usual", usual.out["messages"], usual.out["bytes"], usual)}
    return rate, ours.rss_mb


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--transfers", type=int, default=1_000_000)
    p.add_argument("--partitions", type=int, default=4)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--usual", type=int, default=200_000, help="messages for the usual way")
    opt = p.parse_args()
    opt.usual = min(opt.usual, opt.transfers)
    with Chain("postgresql", opt.partitions) as c:
        c.make_topic("bench")
        made = c.timed("produce", *c.produce_args("bench", opt.transfers))
        print(f"{opt.transfers} transfers, {opt.partitions} partitions; "
              f"produced {made.out['delivered'] / made.out['seconds']:.0f}/s", flush=True)
        c.drop_database(c.dsn)
        rounds = [one_round(c, opt, k, made.out) for k in range(opt.rounds)]
    slower = [r["ours"] / min(r["drain"], r["copy"]) for r, _ in rounds]
    print(f"ours / slower of drain and copy: {spread(slower)}   (target >= {OF_SLOWER})")
    print(f"ours / usual way:                {spread([r['ours'] / r['usual'] for r, _ in rounds])}   (target >= {OF_USUAL})")
    print(f"peak memory of ours, MB:         {spread([mb for _, mb in rounds])}   (target < {RSS_MB})")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Hold #include lines to the layer table; the table is the architecture.

A module may include itself and what its row names, nothing else; in a module with rooms,
a room may include itself and the rooms before it.  Third-party headers are pinned to the
one module that is allowed to know them.
"""
import pathlib, re, sys

MAY = {
    "util":      set(),
    "model":     {"util"},
    "codec":     {"util", "model"},
    "graph":     {"util", "model"},
    "scoring":   {"util", "model", "graph"},
    "store":     {"util", "model"},
    "screening": {"util", "model", "codec", "graph", "scoring"},
    "pipeline":  {"util", "model", "codec", "graph", "scoring", "store", "screening"},
    "cli":       {"util", "model", "codec", "graph", "scoring", "store", "screening", "pipeline"},
    "ingest":    {"util", "model", "codec", "store"},
    "api":       {"util", "model", "codec", "graph", "scoring", "store", "screening", "pipeline"},
}
ROOMS = {  # module -> its folders, from the ground up
    "pipeline": ["scorer", "input", "learning", "run", "answers", "live"],
}
PINNED = {  # header prefix -> modules that may see it
    "libpq-fe.h": {"store"}, "sqlite3.h": {"store"},
    "librdkafka/": {"ingest"}, "civetweb.h": {"api"},
    "jansson.h": {"codec", "api"}, "cyaml/": {"codec", "screening"}, "yaml.h": {"codec"},
    "igraph": {"graph"}, "xgboost/": {"scoring"}, "curl/": {"screening", "api"},
    "cjose/": {"api"}, "sodium.h": {"api", "pipeline"}, "openssl/": {"util"},
    "zstd.h": {"codec"}, "zlib.h": {"codec"},
}
INC = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def module_of(path, root):
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "engine" else parts[0]


def room_of(parts, me):
    """The folder of a module that has rooms; None where a module has none."""
    return parts[parts.index(me) + 1] if me in ROOMS else None


def includes_up(me, room, included):
    """Does a file of this room include a room above it?"""
    order = ROOMS[me]
    return included in order and order.index(included) > order.index(room)


def main(root):
    bad = []
    files = [p for d in ("engine", "ingest", "api")
             for p in sorted((root / d).rglob("*.[ch]"))]
    for path in files:
        me = module_of(path, root)
        if me not in MAY:
            bad.append(f"{path}: folder '{me}' has no row in the layer table")
            continue
        room = room_of(path.relative_to(root).parts, me)
        if room and room not in ROOMS[me]:
            bad.append(f"{path}: {me} has no room '{room}'")
            continue
        for no, line in enumerate(path.read_text().splitlines(), 1):
            m = INC.match(line)
            if not m:
                continue
            kind, name = m.groups()
            for prefix, who in PINNED.items():
                if name.startswith(prefix) and me not in who:
                    bad.append(f"{path}:{no}: <{name}> belongs to {sorted(who)}")
            top = name.split("/")[0]
            if kind == '"' and top in MAY and top != me and top not in MAY[me]:
                bad.append(f"{path}:{no}: {me} must not include {top}")
            if kind == '"' and room and top == me and includes_up(me, room, name.split("/")[1]):
                bad.append(f"{path}:{no}: {me}/{room} must not include {name}")
            if kind == '"' and name.endswith("_int.h") and top != me:
                bad.append(f"{path}:{no}: {name} is private to {top}")
            if kind == '"' and "/" not in name:
                bad.append(f'{path}:{no}: write "{me}/{name}"')
    print("\n".join(bad) or f"{len(files)} files, layers hold")
    return 1 if bad else 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))

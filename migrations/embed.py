#!/usr/bin/env python3
"""Write migrations/*/NNNN_name.sql as one C table, for engine/store/migrate.c."""
import hashlib, pathlib, re, sys


def c_string(text):
    lines = text.splitlines(keepends=True) or [""]
    esc = lambda s: s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return "\n        ".join(f'"{esc(line)}"' for line in lines)


def main(folder, out):
    rows = []
    for dialect in ("postgres", "sqlite"):
        for path in sorted((folder / dialect).glob("*.sql")):
            m = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
            if not m:
                sys.exit(f"{path}: a migration is named NNNN_name.sql")
            text = path.read_text()
            digest = hashlib.sha256(text.encode()).hexdigest()
            rows.append(f'    {{"{dialect}", {int(m[1])}, "{m[2]}", "{digest}",\n        {c_string(text)}}},')
    out.write_text('/* Written by migrations/embed.py; do not edit. */\n'
                   '#include "store/migrations_int.h"\n\n'
                   '/* A file is one literal, longer than the 4095 bytes C17 promises. */\n'
                   '#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n'
                   'const wr_migration wr_migrations[] = {\n' + "\n".join(rows) +
                   '\n    {0}};\n')


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

#!/usr/bin/env python3
"""Write openapi.yaml as one C array, so that the server needs no file beside it."""
import pathlib, sys

data = pathlib.Path(sys.argv[1]).read_bytes()
signed = [b - 256 if b > 127 else b for b in data]  # char is signed here
rows = (", ".join(map(str, signed[i:i + 20])) for i in range(0, len(signed), 20))
pathlib.Path(sys.argv[2]).write_text(
    '/* Written by api/embed.py; do not edit. */\n#include "api/openapi.h"\n\n'
    f"const size_t wr_openapi_yaml_bytes = {len(data)};\n"
    "const char wr_openapi_yaml[] = {\n    " + ",\n    ".join(rows) + ", 0};\n")

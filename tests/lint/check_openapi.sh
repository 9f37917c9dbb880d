#!/usr/bin/env bash
# Lints api/openapi.yaml with Spectral (its OpenAPI 3.1 rules); warnings fail.
set -euo pipefail
cd "$(dirname "$0")/../../api/web"
./install.sh test
npm run -s lint

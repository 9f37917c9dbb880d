#!/usr/bin/env bash
# Every source is as clang-format leaves it (.clang-format): formatting is no topic of review.
set -euo pipefail
cd "$(dirname "$0")/../.."
find api engine ingest tests -name node_modules -prune -o -name '*.[ch]' -print0 |
    xargs -0 -n 40 -P 2 clang-format --dry-run --Werror

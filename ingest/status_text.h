/*
 * status_text.h - where a source stands: for people, and as JSON.
 *
 * The ledger check is part of both, always: records = inserted + duplicates + dead, and,
 * where offsets are kept (Kafka), offsets = messages + gaps.
 * Thread: safe.
 */
#ifndef WR_INGEST_STATUS_TEXT_H
#define WR_INGEST_STATUS_TEXT_H

#include "store/store.h"
#include "util/buf.h"

/*
 * Several lines, each with its line break.  now_s: for "12 s ago".
 *
 *   kafka:transactions.raw/0  running  next 1200 of 1300, lag 100  updated …Z (2 s ago)
 *     records 1200 = inserted 1100 + duplicates 90 + dead 10
 *     offsets 1200 = messages 1190 + gaps 10
 *     first record …Z  last record …Z  rate 120.0 110.3 95.1 records/s (1, 5, 15 min)
 *     last error: …
 */
void wr_status_text(wr_buf *b, const wr_source *s, int64_t now_s);

/* One object, no line break.  What is not known (lag of a file) is null. */
void wr_status_json(wr_buf *b, const wr_source *s);

#endif

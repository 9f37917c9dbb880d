/*
 * reasons_json.h - the reasons that a run stored with a score, read back.
 *
 * risk_scores.reasons is the JSON array that pipeline/run/report.h writes; a terminal
 * wants the part and the sentence of each.  Thread: safe.
 */
#ifndef WR_CODEC_REASONS_JSON_H
#define WR_CODEC_REASONS_JSON_H

#include "util/err.h"
#include "util/text.h"

typedef void (*wr_reason_line_fn)(void *ctx, double part /* 0..100 */, wr_text message);

/* Errors  WR_EPARSE (not such an array) */
wr_status wr_reasons_json_read(wr_text json, wr_reason_line_fn fn, void *ctx,
                               wr_err *err) WR_NODISCARD;

#endif

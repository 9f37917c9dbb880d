/*
 * explanation_text.h - the JSON that `walletrisk explain --json` prints, as text to read.
 *
 * One source for both: what the JSON does not say, the text cannot.  Thread: safe.
 */
#ifndef WR_CODEC_EXPLANATION_TEXT_H
#define WR_CODEC_EXPLANATION_TEXT_H

#include "util/buf.h"
#include "util/text.h"

/*
 * Appends to out: state and score, totals, reasons, exposures, origins, typologies, then
 * the paths and contacts of each direction, and what the score would be without a label
 * or as of another time; a part that the JSON lacks is left out.  Values in the store's
 * value unit, shares in per cent, time in UTC. Errors  WR_EPARSE (not such an object),
 * WR_ELIMIT and WR_ENOMEM of the buffer
 */
wr_status wr_explanation_text(wr_buf *out, wr_text json, wr_err *err) WR_NODISCARD;

#endif

/*
 * message_feed.h - files, lines and the simulator as a stream of Kafka messages.
 *
 *   files      any format of codec/transfer_reader.h; one message a transfer, or a UTXO
 *              transaction (codec/transfer_out.h), keyed by the sender
 *   raw        lines of a file as they are, good or bad, without their line break (blank
 *              ones are left out); keyed by the sender when the line can be read, else
 *              without a key
 *   simulator  the stream of simulate.h, as the same transfers that `simulate` writes
 *
 * Thread: one object one thread.
 */
#ifndef WR_INGEST_MESSAGE_FEED_H
#define WR_INGEST_MESSAGE_FEED_H

#include "codec/transfer_reader.h"
#include "ingest/simulate.h"
#include "model/chain.h"

enum { WR_RAW_LINE_MAX = 16 << 20 };

typedef struct wr_message_sink {
    /* key.p == NULL: none.  Texts live until it returns. */
    wr_status (*message)(void *ctx, wr_text key, wr_text value, uint32_t transfers,
                         wr_err *err);
    void *ctx;
    uint64_t limit; /* most messages; 0 = all */
} wr_message_sink;

typedef struct wr_message_feed_report {
    uint64_t messages;
    uint64_t refused;        /* records that are no transfer: not sent */
    char first_refused[400]; /* the first of them: place, field, reason */
} wr_message_feed_report;

/*
 * rep     added to, also on failure
 * Errors  of the reader and the sink; WR_ELIMIT, WR_EINVAL (what no message can say)
 */
wr_status wr_message_feed_file(wr_message_feed_report *rep,
                               const wr_transfer_reader_opts *o,
                               const wr_message_sink *sink, wr_err *err) WR_NODISCARD;

/*
 * d reads a line for its key only.
 * Errors  WR_ELIMIT (a line over WR_RAW_LINE_MAX), of input.h and the sink, WR_ENOMEM
 */
wr_status wr_message_feed_raw(wr_message_feed_report *rep, const char *path,
                              const wr_transfer_decoder *d, const wr_message_sink *sink,
                              wr_err *err) WR_NODISCARD;

/* Errors  of wr_simulate and the sink */
wr_status wr_message_feed_simulate(wr_message_feed_report *rep, const wr_sim_opts *o,
                                   const wr_chain *chain, const wr_message_sink *sink,
                                   wr_err *err) WR_NODISCARD;

#endif

/*
 * transfer_json.h - one JSON object to transfers, or to the list of what is wrong in it.
 *
 * Used for NDJSON files, POST /transactions and (later) Kafka messages.  Two shapes:
 *   a transfer   {"chain":"eip155:1","tx_hash":"0x…","from":"0x…","to":"0x…",
 *                 "amount":"1500","time":1438978729}   spellings in transfer_opts.h
 *   a UTXO tx    {"chain":"BTC","txid":"…","time":…,"inputs":[{"address":…,"value":0.5}],
 *                 "outputs":[…]}  n inputs and m outputs give n + m transfers through the
 *                 hub "tx:<txid>"; `amount` is satoshi, `value` is coins; `script` (hex)
 * in place of an address (one that has none is the wallet "script:<sha256>", which is
 * taken as an address, too).  Outputs that carry nothing and have no address (OP_RETURN)
 * are left out, but keep their position.  Outputs worth more than the inputs are refused;
 * no inputs = a coinbase.
 *
 * Numbers keep the text they were written in (a wei amount does not fit a double or an
 * int64), so "amount": 10000000000000000000 and "amount": "10000000000000000000" are the
 * same.  Size, nesting (WR_JSON_DEPTH_MAX) and number syntax are checked in one pass
 * before jansson sees the bytes; duplicate keys are refused.  Flat objects without
 * escapes take a fast path that gives the same answers (tests compare them).
 */
#ifndef WR_CODEC_TRANSFER_JSON_H
#define WR_CODEC_TRANSFER_JSON_H

#include "codec/transfer_opts.h"
#include "util/arena.h"

enum { WR_FIELD_ERRORS_MAX = 8, WR_POINTER_MAX = 63 };

typedef struct wr_field_error {
    char field[24];                   /* our name: "from", "inputs"; "" the record */
    char pointer[WR_POINTER_MAX + 1]; /* RFC 6901: "/sender", "/inputs/3/address", "" */
    char code[16];                    /* syntax limit missing invalid conflict range */
    char detail[WR_DEAD_REASON_MAX];  /* one line with the value */
} wr_field_error;

typedef struct wr_field_errors {
    uint32_t count; /* kept in `item`; what is beyond WR_FIELD_ERRORS_MAX is dropped */
    wr_field_error item[WR_FIELD_ERRORS_MAX];
} wr_field_errors;

typedef struct wr_transfer_list {
    wr_transfer *item; /* [count] in the arena */
    uint32_t count;    /* >= 1 on success */
} wr_transfer_list;

/*
 * Decode the bytes of one object (blanks around it are fine).
 *
 * arena   takes the transfers and their texts; nothing points into `bytes` afterwards
 * errors  filled on WR_EPARSE and WR_ELIMIT, count >= 1; err holds the first of them
 * Errors  WR_EPARSE, WR_ELIMIT (over WR_RECORD_MAX_BYTES or too deep), WR_ENOMEM
 * Thread  safe: d is shared, the rest is the caller's
 * Cost    flat object ~0.5 us; through jansson ~32 MB/s
 */
wr_status wr_transfer_json_decode(wr_transfer_list *out, const wr_transfer_decoder *d,
                                  const char *bytes, size_t len, wr_arena *arena,
                                  wr_field_errors *errors, wr_err *err) WR_NODISCARD;

/*
 * Where the records of a request body are: one object, an array of objects, or
 * {"transactions": [ … ]}.  Looks only at brackets, strings and commas; each item is
 * checked by wr_transfer_json_decode.
 *
 * item    [max] byte ranges inside body
 * is_many optional (NULL): true for the latter two
 * Errors  WR_EPARSE (not one of the three), WR_ELIMIT (more than max items, too deep)
 */
wr_status wr_transfer_json_split(wr_text *item /* [max] */, uint32_t max, uint32_t *count,
                                 bool *is_many, const char *body, size_t len,
                                 wr_err *err) WR_NODISCARD;

#endif

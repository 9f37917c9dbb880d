/*
 * NDJSON of transfers and UTXO transactions.  Beside load_twice: a single line decodes to
 * the same through wr_transfer_json_decode, what is accepted goes out as JSON and comes
 * back the same, and splitting it as a request body is safe.
 */
#include "codec/transfer_json.h"
#include "codec/transfer_out.h"
#include "load_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const wr_transfer_decoder *d, const wr_transfer_list *first,
                       wr_arena *arena)
{
    wr_buf json;
    wr_field_errors errors = {0};
    wr_transfer_list list = {0};
    wr_err err = {0};
    wr_buf_init(&json, 2 * WR_RECORD_MAX_BYTES);
    require(wr_transfer_out_group(first->item, first->count) == first->count);
    const wr_status s = wr_transfer_out_json(&json, first->item, first->count, &err);
    require(s == WR_OK || s == WR_ELIMIT); /* longer than it was written */
    if (s == WR_OK) {
        require(wr_transfer_json_decode(&list, d, json.p, json.len, arena, &errors,
                                        &err) == WR_OK);
        require(list.count == first->count);
        for (uint32_t i = 0; i < list.count; i++) {
            const wr_transfer *a = &first->item[i];
            const wr_transfer *b = &list.item[i];
            require(mix_transfer(0, a) == mix_transfer(0, b) && a->chain == b->chain);
            require(a->decimals == b->decimals && a->value == b->value);
        }
    }
    wr_buf_release(&json);
}

static void decode_one(const char *p, size_t len)
{
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    wr_transfer_decoder *d = NULL;
    wr_field_errors errors = {0};
    wr_transfer_list list = {0};
    wr_arena arena;
    wr_text item[4];
    uint32_t count = 0;
    wr_err err = {0};
    o.chain = "BTC";
    o.now_s = 1900000000;
    wr_arena_init(&arena, 0);
    require(wr_transfer_decoder_new(&d, &o, &err) == WR_OK);
    if (wr_transfer_json_decode(&list, d, p, len, &arena, &errors, &err) == WR_OK) {
        require(errors.count == 0 && list.count > 0);
        for (uint32_t i = 0; i < list.count; i++)
            (void)mix_transfer(0, &list.item[i]);
        same_again(d, &list, &arena);
    } else {
        require(errors.count > 0 && errors.item[0].detail[0] && err.msg[0]);
        require(err.code == WR_EPARSE || err.code == WR_ELIMIT);
    }
    wr_arena_release(&arena);
    wr_transfer_decoder_free(d);
    if (wr_transfer_json_split(item, 4, &count, NULL, p, len, NULL) == WR_OK)
        for (uint32_t i = 0; i < count; i++)
            require(item[i].p >= p && item[i].p + item[i].len <= p + len && item[i].len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    load_twice(p, size, "ndjson", false);
    decode_one(p, size);
    return 0;
}

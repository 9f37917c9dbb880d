/*
 * transfer_json_test.h - one JSON record under test: the transfers it gives, printed, or
 * its first error.
 */
#ifndef WR_TRANSFER_JSON_TEST_H
#define WR_TRANSFER_JSON_TEST_H

#include "codec_test.h"

#include "codec/transfer_json.h"

#define A    "0x00000000000000000000000000000000000000aa"
#define B    "0x00000000000000000000000000000000000000bb"
#define H    "00000000000000000000000000000000000000000000000000000000000000cc"
#define BASE "\"chain\":\"eip155:1\",\"tx_hash\":\"0x" H "\",\"time\":1700000000"
#define SENT "\"from\":\"" A "\",\"to\":\"" B "\""

static inline wr_transfer_decoder *decoder_of(const wr_transfer_opts *given)
{
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    wr_transfer_decoder *d = NULL;
    if (given)
        o = *given;
    o.now_s = NOW_S;
    assert_ok(wr_transfer_decoder_new(&d, &o, &err));
    return d;
}

/* Decode with these options (NULL: defaults) and compare the printed transfers. */
static inline void accepts_with(const wr_transfer_opts *o, const char *json,
                                const char *want)
{
    WR_AUTO(wr_transfer_decoder) d = decoder_of(o);
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_buf out;
    wr_arena_init(&arena, 0);
    wr_buf_init(&out, PRINT_MAX);
    assert_ok(
        wr_transfer_json_decode(&list, d, json, strlen(json), &arena, &errors, &err));
    for (uint32_t i = 0; i < list.count; i++)
        print_transfer(&out, &list.item[i]);
    assert_string_equal(wr_buf_cstr(&out), want);
    wr_buf_release(&out);
    wr_arena_release(&arena);
}

static inline void accepts(const char *json, const char *want)
{
    accepts_with(NULL, json, want);
}

/* The first error: pointer, code, our field, and words of its detail. */
static inline void refuses_bytes(const char *json, size_t len, wr_status status,
                                 const char *pointer, const char *code, const char *field,
                                 const char *words)
{
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_err why = {0};
    wr_arena_init(&arena, 0);
    assert_int_equal(wr_transfer_json_decode(&list, d, json, len, &arena, &errors, &why),
                     status);
    assert_true(errors.count >= 1);
    if (!strstr(errors.item[0].detail, words))
        fail_msg("'%s' is not in '%s'", words, errors.item[0].detail);
    assert_string_equal(errors.item[0].pointer, pointer);
    assert_string_equal(errors.item[0].code, code);
    assert_string_equal(errors.item[0].field, field);
    assert_string_equal(why.msg, errors.item[0].detail);
    wr_arena_release(&arena);
}

static inline void refuses(const char *json, const char *pointer, const char *code,
                           const char *field, const char *words)
{
    refuses_bytes(json, strlen(json), WR_EPARSE, pointer, code, field, words);
}

#define SAYS(amount) \
    "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B " " amount " ETH/18 f1 v"


#define W1   "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
#define W2   "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
#define BTC  "T bip122:000000000019d6689c085ae165831e93 " H
#define UTXO "{\"chain\":\"BTC\",\"txid\":\"" H "\",\"time\":1700000000,"

#endif

#include "store/backend_int.h"

#include <stdio.h>

#include "util/json_out.h"

/* Value of a lower-case hex digit plus one; 0 = none. */
static const uint8_t hex_value[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool hash_from_hex(uint8_t out[32], wr_text t)
{
    if (t.len != 64)
        return false;
    bool is_hex = true;
    for (size_t i = 0; i < 32; i++) {
        unsigned hi = hex_value[(uint8_t)t.p[2 * i]];
        unsigned lo = hex_value[(uint8_t)t.p[2 * i + 1]];
        is_hex &= hi && lo;
        out[i] = (uint8_t)((hi - 1) << 4 | (lo - 1));
    }
    return is_hex;
}

size_t wr_store_hash_pack(uint8_t *out, wr_text tx_hash)
{
    if (hash_from_hex(out, tx_hash))
        return 32;
    size_t lead = tx_hash.len == 32 ? 1 : 0;
    out[0] = 0;
    if (tx_hash.len)
        memcpy(out + lead, tx_hash.p, tx_hash.len);
    return tx_hash.len + lead;
}

wr_text wr_store_hash_unpack(char *out, const void *packed, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *b = packed;
    if (len == 32) {
        for (size_t i = 0; i < 32; i++) {
            out[2 * i] = digit[b[i] >> 4];
            out[2 * i + 1] = digit[b[i] & 15];
        }
        out[64] = '\0';
        return (wr_text){.p = out, .len = 64};
    }
    size_t lead = len > 0 && b[0] == 0 ? 1 : 0;
    len -= lead;
    if (len > WR_TX_HASH_MAX)
        len = WR_TX_HASH_MAX;
    if (len)
        memcpy(out, b + lead, len);
    out[len] = '\0';
    return (wr_text){.p = out, .len = (uint32_t)len};
}

bool wr_store_same_content(const wr_transfer *a, const wr_transfer *b)
{
    return a->time_s == b->time_s && a->amount_base == b->amount_base &&
           wr_text_eq(a->from, b->from) && wr_text_eq(a->to, b->to) &&
           wr_text_eq(a->asset, b->asset);
}

/* "to 0xb (stored: 0xa)"; texts are cut so that several differences fit the reason. */
static void add_difference(wr_buf *b, const char *name, wr_text got, wr_text stored)
{
    enum { SHOWN_MAX = 48 };
    wr_text shown[2] = {got, stored};
    for (int i = 0; i < 2; i++)
        if (shown[i].len > SHOWN_MAX)
            shown[i].len = SHOWN_MAX;
    wr_buf_addf(b, "%s %s %.*s (stored: %.*s)", b->len ? "," : "", name,
                WR_TEXT_ARG(shown[0]), WR_TEXT_ARG(shown[1]));
}

static void add_differences(wr_buf *b, const wr_transfer *r, const wr_transfer *s)
{
    if (r->time_s != s->time_s) {
        char text[2][24];
        (void)snprintf(text[0], sizeof text[0], "%lld", (long long)r->time_s);
        (void)snprintf(text[1], sizeof text[1], "%lld", (long long)s->time_s);
        add_difference(b, "time", wr_text_of(text[0]), wr_text_of(text[1]));
    }
    if (r->amount_base != s->amount_base) {
        char text[2][WR_AMOUNT_TEXT_MAX];
        wr_amount_format(text[0], r->amount_base);
        wr_amount_format(text[1], s->amount_base);
        add_difference(b, "amount", wr_text_of(text[0]), wr_text_of(text[1]));
    }
    if (!wr_text_eq(r->asset, s->asset))
        add_difference(b, "asset", r->asset, s->asset);
    if (!wr_text_eq(r->from, s->from))
        add_difference(b, "from", r->from, s->from);
    if (!wr_text_eq(r->to, s->to))
        add_difference(b, "to", r->to, s->to);
}

static void add_json(wr_buf *b, const wr_transfer *t)
{
    char amount[WR_AMOUNT_TEXT_MAX];
    wr_amount_format(amount, t->amount_base);
    wr_json_out j = wr_json_out_on(b);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "chain", t->chain->id);
    wr_json_kv_text(&j, "tx_hash", t->tx_hash);
    wr_json_kv_u64(&j, "position", t->position);
    if (t->block >= 0)
        wr_json_kv_i64(&j, "block", t->block);
    wr_json_kv_i64(&j, "time", t->time_s);
    wr_json_kv_text(&j, "from", t->from);
    wr_json_kv_text(&j, "to", t->to);
    wr_json_kv_text(&j, "asset", t->asset);
    wr_json_kv_cstr(&j, "amount", amount);
    wr_json_kv_u64(&j, "decimals", t->decimals);
    if (t->memo.p)
        wr_json_kv_text(&j, "memo", t->memo);
    wr_json_close(&j, '}');
}

static wr_status letter_texts(wr_dead_letter *d, wr_arena *arena, wr_buf *reason,
                              wr_buf *raw, wr_err *err)
{
    WR_TRY(wr_buf_status(reason, "conflict reason", err));
    WR_TRY(wr_buf_status(raw, "conflict record", err));
    d->raw_bytes = raw->len;
    size_t raw_len = raw->len < WR_DEAD_RAW_MAX ? raw->len : WR_DEAD_RAW_MAX;
    size_t reason_len =
        reason->len < WR_DEAD_REASON_MAX ? reason->len : WR_DEAD_REASON_MAX;
    d->raw = wr_arena_text(arena, (wr_text){.p = raw->p, .len = (uint32_t)raw_len});
    d->reason =
        wr_arena_text(arena, (wr_text){.p = reason->p, .len = (uint32_t)reason_len});
    if (!d->raw.p || !d->reason.p)
        return wr_fail(err, WR_ENOMEM, "dead letter of %zu bytes", raw_len + reason_len);
    return WR_OK;
}

wr_status wr_store_conflict_letter(wr_dead_letter *out, wr_arena *arena,
                                   const wr_put *put, size_t row,
                                   const wr_transfer *stored, wr_err *err)
{
    const wr_transfer *refused = &put->transfer[row];
    const wr_source_mark *mark = put->mark;
    wr_dead_letter d = {
        .source = mark ? mark->source : WR_TEXT_LIT(""),
        .partition = mark ? mark->partition : 0,
        .position = put->position ? put->position[row] : -1,
        .field = WR_TEXT_LIT("tx_hash"),
    };
    wr_buf diff;
    wr_buf reason;
    wr_buf raw;
    wr_buf_init(&diff, 2048);
    wr_buf_init(&reason, 4096);
    wr_buf_init(&raw, 16384);
    add_differences(&diff, refused, stored);
    wr_buf_addf(&reason, "same key as a stored transfer, other content:%s",
                wr_buf_cstr(&diff));
    add_json(&raw, refused);
    wr_status s = wr_buf_status(&diff, "conflict reason", err);
    if (s == WR_OK)
        s = letter_texts(&d, arena, &reason, &raw, err);
    wr_buf_release(&diff);
    wr_buf_release(&reason);
    wr_buf_release(&raw);
    if (s == WR_OK)
        *out = d;
    return s;
}

wr_status wr_store_fence_fail(const wr_source_mark *m, int64_t at, wr_err *err)
{
    return wr_fail(
        err, WR_ECONFLICT, "source %.*s partition %d stands at %lld, not at %lld",
        WR_TEXT_ARG(m->source), m->partition, (long long)at, (long long)m->from_offset);
}

int64_t wr_store_first_offset(const wr_source_mark *m)
{
    if (!m->is_fenced)
        return -1;
    if (!m->is_restart)
        return m->from_offset;
    const int64_t first = m->next_offset - (int64_t)(m->messages + m->gaps);
    return first > 0 ? first : 0;
}

wr_time_range wr_store_accepted(const wr_put *put, const uint8_t *outcome)
{
    wr_time_range r = WR_TIME_RANGE_NONE;
    for (size_t i = 0; i < put->transfer_count; i++) {
        const int64_t time_s = put->transfer[i].time_s;
        if (outcome[i] == WR_PUT_CONFLICT)
            continue;
        r.first_s = time_s < r.first_s ? time_s : r.first_s;
        r.last_s = time_s > r.last_s ? time_s : r.last_s;
    }
    return r;
}

wr_status wr_store_id_from(char out[WR_STORE_ID_HEX + 1], wr_text hex, wr_err *err)
{
    if (hex.len != WR_STORE_ID_HEX)
        return wr_fail(err, WR_ECORRUPT, "store_settings: store_id is %s",
                       hex.p ? "not 16 bytes" : "missing");
    memcpy(out, hex.p, WR_STORE_ID_HEX);
    out[WR_STORE_ID_HEX] = '\0';
    return WR_OK;
}

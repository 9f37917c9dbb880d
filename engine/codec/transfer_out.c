#include "codec/transfer_out.h"

#include "codec/transfer_opts.h"
#include "util/json_out.h"

enum { HUB = WR_TRANSFER_FROM_HUB | WR_TRANSFER_TO_HUB, QUOTE_MAX = 48 };

size_t wr_transfer_out_group(const wr_transfer *t, size_t n)
{
    size_t k = 1;
    if (!(t->flags & HUB))
        return 1;
    while (k < n && t[k].flags & HUB && t[k].chain == t->chain &&
           t[k].position > t[k - 1].position && wr_text_eq(t[k].tx_hash, t->tx_hash))
        k++;
    return k;
}

/* A derived hash is no hash of such a chain; the reader makes the same one again. */
static bool is_hash_readable(const wr_transfer *t)
{
    static const char derived[] = "derived:";
    const wr_address_kind kind = t->chain->address_kind;
    return kind == WR_ADDRESS_OPAQUE || kind == WR_ADDRESS_PLAIN ||
           t->tx_hash.len < sizeof derived - 1 ||
           memcmp(t->tx_hash.p, derived, sizeof derived - 1) != 0;
}

static void put_amount(wr_json_out *j, wr_amount amount_base)
{
    char text[WR_AMOUNT_TEXT_MAX];
    wr_amount_format(text, amount_base);
    wr_json_kv_cstr(j, "amount", text);
}

static void put_head(wr_json_out *j, const wr_transfer *t)
{
    wr_json_kv_cstr(j, "chain", t->chain->id);
    if (is_hash_readable(t))
        wr_json_kv_text(j, "tx_hash", t->tx_hash);
    if (!(t->flags & HUB))
        wr_json_kv_u64(j, "position", t->position);
    if (t->block >= 0)
        wr_json_kv_i64(j, "block", t->block);
}

static void put_account(wr_json_out *j, const wr_transfer *t)
{
    put_head(j, t);
    wr_json_kv_text(j, "from", t->from);
    wr_json_kv_text(j, "to", t->to);
    wr_json_kv_text(j, "asset", t->asset);
    put_amount(j, t->amount_base);
    wr_json_kv_u64(j, "decimals", t->decimals);
    wr_json_kv_i64(j, "time", t->time_s);
    if (!(t->flags & WR_TRANSFER_UNPRICED))
        wr_json_kv_f64(j, "value_usd", t->value);
    if (t->memo.len)
        wr_json_kv_text(j, "memo", t->memo);
}

/* Outputs without wallet and amount are no transfers, but count as positions. */
static void put_nothing(wr_json_out *j)
{
    wr_json_open(j, '{');
    put_amount(j, 0);
    wr_json_close(j, '}');
}

static void put_entry(wr_json_out *j, wr_text wallet, wr_amount amount_base)
{
    wr_json_open(j, '{');
    wr_json_kv_text(j, "address", wallet);
    put_amount(j, amount_base);
    wr_json_close(j, '}');
}

static wr_status put_utxo(wr_json_out *j, const wr_transfer *t, size_t n, wr_err *err)
{
    const size_t from = j->buf->len;
    size_t k = 0;
    put_head(j, t);
    wr_json_kv_i64(j, "time", t->time_s);
    if (t->memo.len)
        wr_json_kv_text(j, "memo", t->memo);
    wr_json_key(j, "inputs");
    wr_json_open(j, '[');
    for (; k < n && t[k].flags & WR_TRANSFER_TO_HUB; k++) {
        if (t[k].position != k)
            return wr_fail(err, WR_EINVAL,
                           "transaction '%s': input %zu of its inputs is not there",
                           wr_text_quote(t->tx_hash, QUOTE_MAX).s, k);
        put_entry(j, t[k].from, t[k].amount_base);
    }
    wr_json_close(j, ']');
    wr_json_key(j, "outputs");
    wr_json_open(j, '[');
    for (size_t position = k;
         k < n && j->buf->status == WR_OK && j->buf->len - from <= WR_RECORD_MAX_BYTES;
         position++) {
        if (t[k].position == position) {
            put_entry(j, t[k].to, t[k].amount_base);
            k++;
        } else {
            put_nothing(j);
        }
    }
    wr_json_close(j, ']');
    return WR_OK;
}

/* A record with inputs and outputs names no asset: it is the chain's own. */
static wr_status check_asset(const wr_transfer *t, wr_err *err)
{
    if (wr_text_eq(t->asset, wr_text_of(t->chain->asset)) &&
        t->decimals == t->chain->decimals)
        return WR_OK;
    return wr_fail(err, WR_EINVAL,
                   "transaction '%s': asset '%s' with %u decimals is not %s's own, and "
                   "inputs and outputs cannot say so",
                   wr_text_quote(t->tx_hash, QUOTE_MAX).s,
                   wr_text_quote(t->asset, QUOTE_MAX).s, t->decimals, t->chain->id);
}

wr_status wr_transfer_out_json(wr_buf *to, const wr_transfer *t, size_t n, wr_err *err)
{
    const size_t before = to->len;
    wr_json_out j = wr_json_out_on(to);
    wr_json_open(&j, '{');
    if (t->flags & HUB) {
        WR_TRY(check_asset(t, err));
        WR_TRY(put_utxo(&j, t, n, err));
    } else {
        put_account(&j, t);
    }
    wr_json_close(&j, '}');
    if (to->status == WR_ELIMIT || to->len - before > WR_RECORD_MAX_BYTES)
        return wr_fail(err, WR_ELIMIT, "transaction '%s': over %d bytes as one message",
                       wr_text_quote(t->tx_hash, QUOTE_MAX).s, (int)WR_RECORD_MAX_BYTES);
    return wr_buf_status(to, "message", err);
}

size_t wr_transfer_out_key(char out[WR_TRANSFER_KEY_MAX], const wr_transfer *t)
{
    const wr_text sender = t->flags & WR_TRANSFER_TO_HUB ? t->to : t->from;
    const size_t chain_len = strlen(t->chain->id);
    memcpy(out, t->chain->id, chain_len);
    out[chain_len] = ':';
    memcpy(out + chain_len + 1, sender.p, sender.len);
    out[chain_len + 1 + sender.len] = '\0';
    return chain_len + 1 + sender.len;
}

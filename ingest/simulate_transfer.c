#include "ingest/simulate_transfer.h"

#include "model/script.h"
#include "util/rng.h"

enum { HASH_BYTES = WR_SIM_HASH_HEX / 2, KEY_BYTES = 20 };

static void fill_bytes(uint8_t *out, size_t len, uint64_t seed, uint64_t tag)
{
    wr_rng r = {.s = seed ^ (tag * 0x9E3779B97F4A7C15ULL)};
    (void)wr_rng_u64(&r);
    for (size_t i = 0; i < len; i += 8) {
        const uint64_t v = wr_rng_u64(&r) ^ tag;
        for (size_t k = 0; k < 8 && i + k < len; k++)
            out[i + k] = (uint8_t)(v >> (8 * k));
    }
}

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[bytes[i] >> 4];
        out[2 * i + 1] = digit[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

wr_status wr_sim_address(char out[WR_ADDRESS_MAX + 1], const wr_chain *chain,
                         uint64_t seed, wr_sim_wallet w, wr_err *err)
{
    if (chain->address_kind != WR_ADDRESS_BITCOIN) {
        uint8_t key[KEY_BYTES];
        fill_bytes(key, sizeof key, seed, w);
        out[0] = '0';
        out[1] = 'x';
        put_hex(out + 2, key, sizeof key);
        return WR_OK;
    }
    uint8_t script[2 + KEY_BYTES] = {0x00, KEY_BYTES};
    fill_bytes(script + 2, KEY_BYTES, seed, w);
    wr_script_kind kind;
    return wr_script_address(out, &kind, chain, script, sizeof script, err);
}

void wr_sim_hash(char out[WR_SIM_HASH_HEX + 1], uint64_t seed, uint64_t number)
{
    uint8_t hash[HASH_BYTES];
    fill_bytes(hash, sizeof hash, ~seed, number + 1);
    put_hex(out, hash, sizeof hash);
}

/* --- transfers -------------------------------------------------------------------- */

static void fill_account(wr_sim_transfers *out, const wr_sim_payment *p,
                         const wr_transfer *base)
{
    wr_transfer *t = &out->item[0];
    *t = *base;
    t->from = wr_text_of(out->wallet[0]);
    t->to = wr_text_of(out->wallet[1]);
    t->asset = WR_TEXT_LIT("USD");
    t->decimals = WR_SIM_DECIMALS;
    t->amount_base = p->amount;
    t->flags = p->from == p->to ? WR_TRANSFER_SELF : 0;
    t->value = wr_amount_value(t->amount_base, t->decimals);
    out->count = 1;
}

static void fill_utxo(wr_sim_transfers *out, const wr_sim_payment *p,
                      const wr_transfer *base)
{
    const wr_amount amount[3] = {p->amount + p->change, p->amount, p->change};
    wr_address_hub(out->hub, base->tx_hash);
    out->count = p->change ? 3 : 2;
    for (uint32_t i = 0; i < out->count; i++) {
        wr_transfer *t = &out->item[i];
        *t = *base;
        t->position = i;
        t->from = wr_text_of(i ? out->hub : out->wallet[0]);
        t->to = wr_text_of(i ? out->wallet[i] : out->hub);
        t->asset = wr_text_of(base->chain->asset);
        t->decimals = base->chain->decimals;
        t->amount_base = amount[i];
        t->flags = (uint8_t)(WR_TRANSFER_UNPRICED |
                             (i ? WR_TRANSFER_FROM_HUB : WR_TRANSFER_TO_HUB));
        t->value = wr_amount_value(t->amount_base, t->decimals);
    }
}

wr_status wr_sim_transfers_fill(wr_sim_transfers *out, const wr_chain *chain,
                                uint64_t seed, const wr_sim_payment *p, wr_err *err)
{
    const bool is_utxo = chain->address_kind == WR_ADDRESS_BITCOIN;
    WR_TRY(wr_sim_address(out->wallet[0], chain, seed, p->from, err));
    WR_TRY(wr_sim_address(out->wallet[1], chain, seed, p->to, err));
    if (is_utxo && p->change)
        WR_TRY(wr_sim_address(out->wallet[2], chain, seed, p->change_to, err));
    wr_sim_hash(out->hash, seed, p->number);
    const wr_transfer base = {.chain = chain,
                              .tx_hash = wr_text_of(out->hash),
                              .block = -1,
                              .time_s = p->time_s};
    if (is_utxo)
        fill_utxo(out, p, &base);
    else
        fill_account(out, p, &base);
    return WR_OK;
}

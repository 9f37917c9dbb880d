#include <assert.h>
#include <inttypes.h>

#include "graph/ids_int.h"
#include "graph/snapshot_int.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "columns enter the digest as little-endian bytes");

static wr_status add_array(wr_digest *d, const char *name, const void *p, uint64_t bytes,
                           wr_err *err)
{
    uint8_t sum[WR_SHA256_BYTES];
    WR_TRY(wr_digest_array(sum, p, bytes, err));
    wr_digest_add_text(d, name);
    wr_digest_add_u64(d, bytes);
    wr_digest_add(d, sum, sizeof sum);
    return WR_OK;
}

static wr_status add_assets(wr_digest *d, const wr_snapshot *g, wr_err *err)
{
    const size_t bytes = g->m * sizeof *g->asset;
    if (g->asset)
        return add_array(d, "asset", g->asset, bytes, err);
    WR_AUTO_ARRAY uint16_t *zero = wr_calloc(g->m, sizeof *zero);
    if (!zero)
        return wr_fail(err, WR_ENOMEM, "assets of %" PRIu64 " transfers", g->m);
    return add_array(d, "asset", zero, bytes, err);
}

/* Wallet numbers stay out: they are a store's, the vertex order they give is not. */
static wr_status add_ids(wr_digest *d, const wr_ids *ids, wr_err *err)
{
    wr_digest_add_text(d, "ids");
    wr_digest_add_u64(d, ids->chain_count);
    for (uint32_t c = 0; c < ids->chain_count; c++)
        wr_digest_add_text(d, ids->chain[c]->id);
    WR_TRY(add_array(d, "chain", ids->chain_of, ids->n, err));
    WR_TRY(add_array(d, "text_off", ids->text_off, (ids->n + UINT64_C(1)) * 8, err));
    return add_array(d, "text", ids->pool, ids->text_off[ids->n], err);
}

static wr_status add_all(wr_digest *d, const wr_snapshot *g, wr_err *err)
{
    wr_digest_add_text(d, "walletrisk graph 1");
    wr_digest_add_u64(d, g->n);
    wr_digest_add_u64(d, g->m);
    if (g->ids)
        WR_TRY(add_ids(d, g->ids, err));
    if (g->hub)
        WR_TRY(add_array(d, "hub", g->hub, wr_bit_words(g->n) * 8, err));
    WR_TRY(add_array(d, "from", g->from, g->m * sizeof *g->from, err));
    WR_TRY(add_array(d, "to", g->to, g->m * sizeof *g->to, err));
    WR_TRY(add_array(d, "time", g->time_s, g->m * sizeof *g->time_s, err));
    WR_TRY(add_array(d, "value", g->value, g->m * sizeof *g->value, err));
    return add_assets(d, g, err);
}

wr_status wr_snapshot_digest(const wr_snapshot *g, wr_digest_hex *out, wr_err *err)
{
    assert(g && out);
    wr_digest d = {0};
    WR_TRY(wr_digest_init(&d, err));
    const wr_status s = add_all(&d, g, err);
    if (s == WR_OK)
        wr_digest_hex_of(&d, out);
    wr_digest_release(&d);
    return s;
}

/*
 * The output digest and the numbers about the run itself.
 *
 * Every published number of a vertex goes, little-endian and in a fixed order, into its
 * block's SHA-256; the digest is SHA-256 over the block digests in order and, when there
 * are any, the typology hits with their members and transfers.  Blocks are of fixed
 * length, so the number of threads plays no part.
 */
#include <math.h>
#include <string.h>

#include "pipeline/run/assess_int.h"

enum { BLOCK = 1024 }; /* vertices; part of the digest's definition */

static void add_direction(wr_digest *d, const wr_assessment *a, wr_vid v, int dir)
{
    const wr_ledger_view l = wr_ledger_at(&a->ledger[dir], v);
    wr_digest_add_f64(d, l.total);
    wr_digest_add_f64(d, l.balance);
    wr_digest_add_f64(d, l.received_unknown);
    wr_digest_add_f64(d, l.held_unknown);
    wr_digest_add_f64(d, (double)l.max_share);
    for (uint32_t k = 0; k < a->c; k++) {
        const size_t i = (size_t)v * a->c + k;
        wr_digest_add_f64(d, l.received[k]);
        wr_digest_add_f64(d, l.direct[k]);
        wr_digest_add_f64(d, l.taint[k]);
        wr_digest_add_f64(d, (double)l.mean_hops[k]);
        wr_digest_add_f64(d, (double)a->shares[dir][i]);
        wr_digest_add_f64(d, (double)a->known[dir][i]);
        wr_digest_add_u64(d, (uint64_t)l.min_hops[k] << 8 | a->poison[dir].hops[i]);
    }
}

static void add_vertex(wr_digest *d, const wr_assessment *a, wr_vid v)
{
    wr_digest_add_f64(d, a->score[v]);
    wr_digest_add_f64(d, a->base[v]);
    wr_digest_add_u64(d, (uint64_t)a->level[v] << 8 | (uint8_t)a->category[v]);
    if (a->probability) {
        wr_digest_add_f64(d, a->probability[v]);
        wr_digest_add_f64(d, a->novelty[v]);
    }
    wr_digest_add_f64(d, a->association[0][v]);
    wr_digest_add_f64(d, a->association[1][v]);
    const wr_fifo_view f = wr_fifo_at(&a->fifo, v);
    for (uint32_t k = 0; k < a->c; k++)
        wr_digest_add_f64(d, f.received[k]);
    for (int dir = 0; dir < WR_DIRECTIONS; dir++)
        add_direction(d, a, v, dir);
    const wr_attribution_view o = wr_attribution_at(&a->origin, v);
    wr_digest_add_u64(d, o.received_count);
    for (uint32_t i = 0; i < o.received_count; i++) {
        wr_digest_add_u64(d, o.received[i].vid);
        wr_digest_add_f64(d, o.received[i].value);
    }
    wr_digest_add_f64(d, o.received_other);
}

static bool digest_block(wr_digest_hex *out, const wr_assessment *a, uint32_t block)
{
    wr_digest d;
    if (wr_digest_init(&d, NULL) != WR_OK)
        return false;
    const uint64_t lo = (uint64_t)block * BLOCK;
    const uint64_t hi = lo + BLOCK < a->n ? lo + BLOCK : a->n;
    for (uint64_t v = lo; v < hi; v++)
        add_vertex(&d, a, (wr_vid)v);
    wr_digest_hex_of(&d, out);
    wr_digest_release(&d);
    return true;
}

/* Only when there are hits: data without any keeps its digest, whatever is looked for. */
static wr_status add_typologies(wr_digest *d, const wr_typology_hits *h, wr_err *err)
{
    const struct {
        const void *bytes;
        size_t len;
    } array[] = {{h->hit, h->count * sizeof *h->hit},
                 {h->member, h->member_total * sizeof *h->member},
                 {h->edge, h->edge_total * sizeof *h->edge}};
    if (!h->count)
        return WR_OK;
    wr_digest_add_text(d, "typologies");
    for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
        uint8_t sum[WR_SHA256_BYTES];
        WR_TRY(wr_digest_array(sum, array[i].bytes, array[i].len, err));
        wr_digest_add_u64(d, array[i].len);
        wr_digest_add(d, sum, sizeof sum);
    }
    return WR_OK;
}

static wr_status digest_all(wr_digest_hex *out, const wr_digest_hex *part,
                            uint32_t blocks, const wr_assessment *a, wr_err *err)
{
    wr_digest d;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add_u64(&d, a->n);
    wr_digest_add_u64(&d, a->c);
    for (uint32_t k = 0; k < a->c; k++)
        wr_digest_add_text(&d, a->cfg->taxonomy.category[wr_assess_category(a, k)].id);
    for (uint32_t b = 0; b < blocks; b++)
        wr_digest_add_text(&d, part[b].s);
    const wr_status s = add_typologies(&d, &a->typology.hits, err);
    if (s == WR_OK)
        wr_digest_hex_of(&d, out);
    wr_digest_release(&d);
    return s;
}

wr_status wr_assess_digest(wr_assessment *a, wr_err *err)
{
    const uint32_t blocks = (uint32_t)(((uint64_t)a->n + BLOCK - 1) / BLOCK);
    WR_AUTO_ARRAY wr_digest_hex *part = wr_calloc(blocks, sizeof *part);
    WR_AUTO_ARRAY bool *ok = wr_calloc(blocks, sizeof *ok);
    if (!part || !ok)
        return wr_fail(err, WR_ENOMEM, "digest of %u blocks", blocks);
#pragma omp parallel for default(none) shared(part, ok, a, blocks) schedule(dynamic, 4)
    for (uint32_t b = 0; b < blocks; b++)
        ok[b] = digest_block(&part[b], a, b);
    for (uint32_t b = 0; b < blocks; b++)
        if (!ok[b])
            return wr_fail(err, WR_ENOMEM, "digest of block %u", b);
    return digest_all(&a->run.output_digest, part, blocks, a, err);
}

static void note_static(wr_json_out *j, const char *name, const wr_static_report *r)
{
    wr_json_key(j, name);
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "steps", r->steps);
    wr_json_kv_f64(j, "bound", r->bound);
    wr_json_kv_bool(j, "is_converged", r->is_converged);
    wr_json_close(j, '}');
}

/* Largest relative difference between injected and held + absorbed over the columns. */
static double conservation_gap(const wr_assessment *a, const wr_ledger *l)
{
    double held[WR_CATEGORY_MAX] = {0};
    for (wr_vid v = 0; v < a->n; v++) {
        const wr_ledger_view w = wr_ledger_at(l, v);
        for (uint32_t k = 0; k < a->c; k++)
            held[k] += w.taint[k];
    }
    double worst = 0.0;
    for (uint32_t k = 0; k < a->c; k++) {
        double gap = fabs(l->injected[k] - (held[k] + l->absorbed[k]));
        double rel = l->injected[k] > 0.0 ? gap / l->injected[k] : gap;
        worst = rel > worst ? rel : worst;
    }
    return worst;
}

void wr_assess_notes(wr_json_out *j, const wr_assessment *a)
{
    static const char *const names[WR_DIRECTIONS] = {"receiving", "sending"};
    static const char *const known[WR_DIRECTIONS] = {"receiving_known", "sending_known"};
    wr_json_key(j, "static_exposure");
    wr_json_open(j, '{');
    wr_json_kv_f64(j, "gamma", a->cfg->opts.gamma);
    wr_json_kv_f64(j, "eps", a->cfg->opts.eps);
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        note_static(j, names[d], &a->shares_rep[d]);
        note_static(j, known[d], &a->known_rep[d]);
    }
    wr_json_close(j, '}');
    wr_json_key(j, "association");
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "steps", a->association_rep.steps);
    wr_json_kv_f64(j, "bound", a->association_rep.bound);
    wr_json_close(j, '}');
    wr_json_key(j, "conservation_gap");
    wr_json_open(j, '{');
    for (int d = 0; d < WR_DIRECTIONS; d++)
        wr_json_kv_f64(j, names[d], conservation_gap(a, &a->ledger[d]));
    wr_json_close(j, '}');
    wr_json_kv_u64(j, "fifo_merged_wallets", a->fifo.merged);
    wr_assess_typology_notes(j, a);
    wr_assess_model_notes(j, a);
}

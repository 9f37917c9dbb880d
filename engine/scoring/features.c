#include "scoring/features_int.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>

enum { ROWS = 64 }; /* wallets handed to a thread at once */

static wr_status check_options(const wr_features_opts *o, const wr_seeds *s, wr_err *err)
{
    const int8_t category[] = {o->mixer, o->bridge, o->dex};
    for (int k = 0; k < WR_FEATURE_LIMITS; k++)
        if (!isfinite(o->limit[k]) || o->limit[k] < 0)
            return wr_fail(err, WR_EINVAL, "reporting limit %g", o->limit[k]);
    if (!isfinite(o->dust) || o->dust < 0)
        return wr_fail(err, WR_EINVAL, "dust below %g", o->dust);
    for (size_t k = 0; k < sizeof category / sizeof *category; k++)
        if (category[k] < WR_SEED_NONE || category[k] >= (int)s->c)
            return wr_fail(err, WR_EINVAL, "category %d of %u", category[k], s->c);
    return WR_OK;
}

static wr_status check_graph(const wr_flow *fl, const wr_views *vw, wr_err *err)
{
    if (fl->seeds->n != fl->n)
        return wr_fail(err, WR_EINVAL, "labels of %u wallets for a graph of %u",
                       fl->seeds->n, fl->n);
    if (vw->out.n != fl->n || vw->in.n != fl->n)
        return wr_fail(err, WR_EINVAL, "pairs of %u wallets for a graph of %u", vw->out.n,
                       fl->n);
    if (!fl->in.off || !fl->out.off || fl->in.n != fl->n || fl->out.n != fl->n)
        return wr_fail(err, WR_EINVAL, "rows by wallet are missing");
    return WR_OK;
}

wr_status wr_features_new(wr_features **out, const wr_flow *fl, const wr_views *vw,
                          const wr_features_opts *o, wr_err *err)
{
    WR_TRY(check_graph(fl, vw, err));
    WR_TRY(check_options(o, fl->seeds, err));
    WR_AUTO(wr_features) f = wr_calloc(1, sizeof *f);
    if (!f)
        return wr_fail(err, WR_ENOMEM, "features");
    f->fl = fl;
    f->o = *o;
    WR_TRY(wr_features_structure(f, vw, err));
    *out = WR_STEAL(f);
    return WR_OK;
}

void wr_features_free(wr_features *f)
{
    if (!f)
        return;
    wr_undirected_release(&f->near);
    wr_free(f->component);
    wr_free(f->core);
    wr_free(f);
}

/* ---- exposures are of this graph ---- */

static wr_status check_one(const char *what, const wr_features *f, uint32_t n, uint32_t c,
                           bool is_direction, wr_err *err)
{
    if (n != f->fl->n || c != f->fl->seeds->c)
        return wr_fail(err, WR_EINVAL,
                       "%s of %u wallets and %u categories, not %u and %u", what, n, c,
                       f->fl->n, f->fl->seeds->c);
    if (!is_direction)
        return wr_fail(err, WR_EINVAL, "%s of the other direction", what);
    return WR_OK;
}

static wr_status check_exposures(const wr_features *f, const wr_feature_exposures *ex,
                                 wr_err *err)
{
    const wr_ledger *ledger[] = {ex->received, ex->sent};
    const wr_poison *poison[] = {ex->poison_in, ex->poison_out};
    const wr_direction way[] = {WR_RECEIVING, WR_SENDING};
    for (int k = 0; k < 2; k++) {
        if (ledger[k])
            WR_TRY(check_one("ledger", f, ledger[k]->n, ledger[k]->c,
                             ledger[k]->direction == way[k], err));
        if (poison[k])
            WR_TRY(check_one("poison", f, poison[k]->n, poison[k]->c,
                             poison[k]->direction == way[k], err));
    }
    if (ex->motifs && ex->motifs->n != f->fl->n)
        return wr_fail(err, WR_EINVAL, "typology hits of %u wallets, not %u",
                       ex->motifs->n, f->fl->n);
    if (!ex->fifo)
        return WR_OK;
    return check_one("fifo", f, ex->fifo->n, ex->fifo->c,
                     ex->fifo->direction == WR_RECEIVING, err);
}

/* ---- rows ---- */

static bool put_row(float *row, wr_features_work *w, const wr_features *f,
                    const wr_feature_exposures *ex, wr_vid v)
{
    wr_past p;
    if (!wr_features_past(&p, w, f, v))
        return false;
    wr_features_put_exposure(row, f, ex, v);
    wr_features_put_motifs(row, ex ? ex->motifs : NULL, v);
    wr_features_put_past(row, f, &p);
    row[WR_WF_CLUSTERING] = wr_features_clustering(f, v);
    row[WR_WF_COMPONENT] = (float)f->component[v];
    row[WR_WF_CORE] = (float)f->core[v];
    return true;
}

/* wallet[k], or first + k when there is no list. */
typedef struct range {
    const wr_vid *wallet;
    uint32_t first, rows;
} range;

static bool run_rows(float *x, size_t ld, wr_features_work *work, const wr_features *f,
                     const range *r, const wr_feature_exposures *ex)
{
    atomic_bool is_full = false;
#pragma omp parallel for default(none) shared(x, ld, work, f, r, ex, is_full) \
    schedule(dynamic, ROWS)
    for (uint32_t k = 0; k < r->rows; k++)
        if (!put_row(x + k * ld, &work[omp_get_thread_num()], f, ex,
                     r->wallet ? r->wallet[k] : r->first + k))
            is_full = true;
    return !is_full;
}

static wr_status put_range(float *x, size_t ld, const wr_features *f, const range *r,
                           const wr_feature_exposures *ex, wr_err *err)
{
    if (ld < WR_WF_COUNT)
        return wr_fail(err, WR_EINVAL, "rows of %zu for %d features", ld, WR_WF_COUNT);
    if (ex)
        WR_TRY(check_exposures(f, ex, err));
    const int threads = omp_get_max_threads();
    wr_features_work *work = wr_calloc((size_t)threads, sizeof *work);
    bool is_ok = work;
    for (int t = 0; is_ok && t < threads; t++)
        is_ok = wr_features_work_init(&work[t]);
    is_ok = is_ok && run_rows(x, ld, work, f, r, ex);
    for (int t = 0; work && t < threads; t++)
        wr_features_work_release(&work[t]);
    wr_free(work);
    return is_ok ? WR_OK : wr_fail(err, WR_ENOMEM, "features of %u wallets", r->rows);
}

wr_status wr_features_rows(float *x, size_t ld, const wr_features *f, uint32_t first,
                           uint32_t rows, const wr_feature_exposures *ex, wr_err *err)
{
    if (first > f->fl->n || rows > f->fl->n - first)
        return wr_fail(err, WR_EINVAL, "rows %u and %u more of %u", first, rows,
                       f->fl->n);
    const range r = {.first = first, .rows = rows};
    return put_range(x, ld, f, &r, ex, err);
}

wr_status wr_features_rows_of(float *x, size_t ld, const wr_features *f,
                              const wr_vid *wallet, uint32_t rows,
                              const wr_feature_exposures *ex, wr_err *err)
{
    for (uint32_t k = 0; k < rows; k++)
        if (wallet[k] >= f->fl->n)
            return wr_fail(err, WR_EINVAL, "wallet %u of %u", wallet[k], f->fl->n);
    const range r = {.wallet = wallet, .rows = rows};
    return put_range(x, ld, f, &r, ex, err);
}

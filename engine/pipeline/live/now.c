#include "pipeline/live/now.h"

#include <string.h>

#include "pipeline/run/assess_int.h"

/* Where a wallet is. */
typedef struct place {
    uint32_t wallet_id; /* 0 = nowhere */
    wr_vid run_v;       /* WR_VID_NONE: not in the run's graph */
} place;

static place find(const wr_view *view, const wr_wallet_name *w)
{
    const wr_ids *run = wr_snapshot_ids(view->assessment->g);
    place p = {.run_v = wr_ids_vertex(run, w->chain, w->address)};
    if (p.run_v != WR_VID_NONE) {
        p.wallet_id = wr_ids_wallet(run, p.run_v);
        return p;
    }
    if (!view->delta)
        return p;
    const wr_delta_view d = wr_delta_read(view->delta);
    const wr_vid v = wr_delta_vertex(&d, w->chain, w->address);
    if (v != WR_VID_NONE)
        p.wallet_id = wr_delta_wallet(&d, v);
    return p;
}

/* What is known of n wallets at one moment. */
typedef struct moment {
    place p[WR_NOW_MAX];
    uint32_t id[WR_NOW_MAX];
    wr_board_entry entry[WR_NOW_MAX];
    bool is_moved[WR_NOW_MAX];
    int64_t seq;
    bool is_torn; /* a wallet of a transfer up to seq may not have been found */
} moment;

/*
 * A wallet that appears between the search and the look at the board would leave its
 * payer alone with the transfer: the search is done again then.  A view that a reload has
 * replaced meanwhile cannot find it at all: is_torn.
 */
static void look(moment *m, const wr_view *view, const wr_wallet_name *name, size_t n)
{
    bool is_lost = false;
    m->seq = view->assessment->run.max_seq;
    for (size_t i = 0; i < n; i++) {
        m->p[i] = find(view, &name[i]);
        m->id[i] = m->p[i].wallet_id;
        m->is_moved[i] = false;
    }
    for (bool is_done = !view->board; !is_done;) {
        m->seq = wr_board_get(view->board, m->id, n, m->entry, m->is_moved);
        is_done = true;
        is_lost = false;
        for (size_t i = 0; i < n; i++) {
            if (m->id[i])
                continue;
            m->p[i] = find(view, &name[i]);
            m->id[i] = m->p[i].wallet_id;
            is_lost |= m->id[i] == 0;
            is_done &= m->id[i] == 0;
        }
    }
    m->is_torn = is_lost && m->seq > wr_delta_closed_seq(view->delta);
}

/* What was paid since the run goes on top of the run's sending ledger. */
static void add_sent(wr_evidence *e, const wr_board_entry *b)
{
    static const double none[WR_CATEGORY_MAX];
    static const float no_hops[WR_CATEGORY_MAX];
    const wr_assessment *a = e->a;
    wr_ledger_view *l = &e->ledger[WR_SENDING];
    *l = (wr_ledger_view){.received = none,
                          .direct = none,
                          .taint = none,
                          .mean_hops = no_hops,
                          .held_hops = no_hops,
                          .max_at = UINT32_MAX};
    if (e->v != WR_VID_NONE)
        *l = wr_ledger_at(&a->ledger[WR_SENDING], e->v);
    for (uint32_t k = 0; k < e->c; k++) {
        e->sent[k] = (k < a->c ? l->received[k] : 0.0) + b->sent_direct[k];
        e->sent_direct[k] = (k < a->c ? l->direct[k] : 0.0) + b->sent_direct[k];
        if (b->sent_direct[k] > 0.0)
            l->min_hops[k] = 1;
    }
    l->total += b->sent;
    l->received = e->sent;
    l->direct = e->sent_direct;
}

static void add_typologies(wr_evidence *e, const wr_view *view, uint32_t wallet_id)
{
    const wr_typology_board *b = view->board ? wr_board_typologies(view->board) : NULL;
    if (b)
        wr_typology_board_get(b, wallet_id, &e->live.typologies);
}

static void from_board(wr_evidence *e, const wr_board *board, const wr_board_entry *b)
{
    e->c = wr_board_columns(board, e->column);
    e->in = b->in;
    wr_ledger_view *l = &e->ledger[WR_RECEIVING];
    *l = b->in.view;
    l->received = e->in.received;
    l->direct = e->in.direct;
    l->taint = e->in.taint;
    l->mean_hops = e->in.mean_hops;
    l->held_hops = e->in.held_hops;
    add_sent(e, b);
    e->own_category = b->own_category;
    e->own_confidence = b->own_confidence;
    e->activity = b->activity;
    e->live.is_live = b->has_newer;
    e->live.is_exact = b->is_exact;
    e->live.has_paid_since = b->sent > 0.0;
}

int64_t wr_view_seq(const wr_view *view)
{
    return view->board ? wr_board_seq(view->board) : view->assessment->run.max_seq;
}

void wr_evidence_now(wr_evidence *out, bool *is_there, const wr_view *view,
                     const wr_wallet_name *name, size_t n, bool is_stale)
{
    moment m;
    look(&m, view, name, n);
    is_stale |= m.is_torn || (view->board && wr_board_is_given_up(view->board));
    for (size_t i = 0; i < n; i++) {
        wr_evidence *e = &out[i];
        const wr_vid v = m.p[i].run_v;
        is_there[i] = m.id[i] != 0 && (m.is_moved[i] || v != WR_VID_NONE);
        if (!is_there[i])
            continue;
        *e = (wr_evidence){.a = view->assessment, .v = v};
        if (v != WR_VID_NONE)
            wr_evidence_of_run(e, view->assessment, v);
        e->chain = name[i].chain;
        e->address = name[i].address;
        if (m.is_moved[i])
            from_board(e, view->board, &m.entry[i]);
        e->live.seq = m.seq;
        e->live.is_exact &= !is_stale;
        add_typologies(e, view, m.id[i]);
        e->live.typologies.is_complete &= e->live.is_exact;
    }
}

#include "store/mem_int.h"
#include "util/clock.h"

#define CURRENT INT64_MAX

static bool is_same_key(const wr_label *a, const wr_label *b)
{
    return a->chain == b->chain && wr_text_eq(a->address, b->address) &&
           wr_text_eq(a->source, b->source) && wr_text_eq(a->category, b->category);
}

static bool is_same_content(const wr_label *a, const wr_label *b)
{
    return a->confidence == b->confidence && wr_text_eq(a->uri, b->uri) &&
           wr_text_eq(a->actor, b->actor) && wr_text_eq(a->name, b->name) &&
           a->valid_from_s == b->valid_from_s && a->valid_to_s == b->valid_to_s;
}

static wr_status add_label(wr_mem *m, const wr_label *l, int64_t rev, wr_err *err)
{
    wr_mem_label row = {.label = *l,
                        .added_rev = rev,
                        .removed_rev = CURRENT,
                        .added_s = wr_clock_wall_s()};
    wr_text *text[6] = {&row.label.address, &row.label.category, &row.label.source,
                        &row.label.uri,     &row.label.actor,    &row.label.name};
    for (size_t i = 0; i < 6; i++)
        WR_TRY(wr_mem_text(m, text[i], err));
    return WR_MEM_APPEND(&m->labels, row, "label", err);
}

static wr_status put_label(wr_mem *m, const wr_label *l, int64_t rev,
                           wr_labels_report *rep, wr_err *err)
{
    wr_mem_label *old = NULL;
    for (size_t i = 0; i < m->labels.count; i++)
        if (m->labels.item[i].removed_rev == CURRENT &&
            is_same_key(&m->labels.item[i].label, l))
            old = &m->labels.item[i];
    if (old && is_same_content(&old->label, l)) {
        rep->unchanged++;
        return WR_OK;
    }
    if (old) {
        old->removed_rev = rev;
        rep->updated++;
    } else {
        rep->added++;
    }
    return add_label(m, l, rev, err);
}

wr_status wr_mem_labels_put(wr_store *st, const wr_label *label, size_t n,
                            wr_labels_report *rep, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    wr_labels_report done = {0};
    size_t count = m->labels.count;
    int64_t rev = m->label_rev + 1;
    wr_status s = WR_OK;
    for (size_t i = 0; i < n && s == WR_OK; i++)
        s = put_label(m, &label[i], rev, &done, err);
    if (s != WR_OK) { /* what this call closed is open again, what it added is gone */
        m->labels.count = count;
        for (size_t i = 0; i < count; i++)
            if (m->labels.item[i].removed_rev == rev)
                m->labels.item[i].removed_rev = CURRENT;
        return s;
    }
    if (done.added + done.updated > 0)
        m->label_rev = rev;
    *rep = done;
    return WR_OK;
}

static bool is_wanted(const wr_label *l, const wr_label_filter *f)
{
    return (!f->chain || f->chain == l->chain) &&
           (!f->address.p || wr_text_eq(f->address, l->address)) &&
           (!f->source.p || wr_text_eq(f->source, l->source)) &&
           (!f->category.p || wr_text_eq(f->category, l->category));
}

wr_status wr_mem_labels_remove(wr_store *st, const wr_label_filter *f, uint64_t *removed,
                               wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    uint64_t n = 0;
    for (size_t i = 0; i < m->labels.count; i++) {
        wr_mem_label *l = &m->labels.item[i];
        if (l->removed_rev != CURRENT || !is_wanted(&l->label, f))
            continue;
        l->removed_rev = m->label_rev + 1;
        n++;
    }
    if (n > 0)
        m->label_rev++;
    *removed = n;
    return WR_OK;
}

static wr_label_row row_of(const wr_mem *m, size_t i)
{
    const wr_mem_label *l = &m->labels.item[i];
    return (wr_label_row){.id = (int64_t)i + 1,
                          .label = l->label,
                          .added_s = l->added_s,
                          .wallet_id =
                              wr_mem_wallet_id(m, l->label.chain, l->label.address)};
}

static bool is_current(const wr_mem_label *l, int64_t rev)
{
    return l->added_rev <= rev && rev < l->removed_rev;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_mem_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                             bool is_in_graph_only, int64_t after_id, uint32_t limit,
                             wr_label_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    int64_t at = rev < 0 ? m->label_rev : rev;
    uint32_t given = 0;
    for (size_t i = 0; i < m->labels.count; i++) {
        const wr_label_row row = row_of(m, i);
        if (!is_current(&m->labels.item[i], at) || row.id <= after_id ||
            !is_wanted(&row.label, f) || (is_in_graph_only && row.wallet_id == 0))
            continue;
        if (limit != 0 && given++ == limit)
            break;
        WR_TRY(fn(ctx, &row, err));
    }
    return WR_OK;
}

wr_status wr_mem_label_rev(wr_store *st, int64_t *rev, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    *rev = m->label_rev;
    return WR_OK;
}

wr_status wr_mem_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id, size_t n,
                           wr_label_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    int64_t at = rev < 0 ? m->label_rev : rev;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < m->labels.count; i++) {
            const wr_label_row row = row_of(m, i);
            if (row.wallet_id != 0 && row.wallet_id == wallet_id[k] &&
                is_current(&m->labels.item[i], at))
                WR_TRY(fn(ctx, &row, err));
        }
    }
    return WR_OK;
}

wr_status wr_mem_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    uint32_t given = 0;
    for (size_t i = 0; i < m->labels.count; i++) {
        const wr_mem_label *l = &m->labels.item[i];
        bool has_come = l->added_rev > after_rev && l->added_rev <= upto_rev;
        bool has_gone = l->removed_rev != CURRENT && l->removed_rev > after_rev &&
                        l->removed_rev <= upto_rev;
        bool was_current = l->added_rev < l->removed_rev; /* of a key given twice: no */
        if (!was_current || (!has_come && !has_gone))
            continue;
        if (limit != 0 && given++ == limit)
            break;
        const wr_label_row row = row_of(m, i);
        WR_TRY(fn(ctx, &row, err));
    }
    return WR_OK;
}

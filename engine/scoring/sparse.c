#include "scoring/sparse_int.h"

#include <string.h>

wr_status wr_sparse_init(wr_sparse *s, uint32_t n, uint32_t width, wr_err *err)
{
    wr_sparse t = {.width = width, .count = 1, .n = n};
    t.at = wr_calloc(n, sizeof *t.at);
    t.row = wr_grow(NULL, &t.cap, width, sizeof *t.row);
    if (!t.at || !t.row) {
        wr_sparse_release(&t);
        return wr_fail(err, WR_ENOMEM, "index of %u wallets", n);
    }
    memset(t.row, 0, width * sizeof *t.row);
    *s = t;
    return WR_OK;
}

void wr_sparse_release(wr_sparse *s)
{
    wr_free(s->at);
    wr_free(s->row);
    *s = (wr_sparse){0};
}

wr_status wr_sparse_grow(wr_sparse *s, uint32_t n, uint32_t width, wr_err *err)
{
    if (!s->row)
        return wr_sparse_init(s, n, width, err);
    size_t cap = s->n;
    uint32_t *at = wr_grow(s->at, &cap, n, sizeof *at);
    if (!at)
        return wr_fail(err, WR_ENOMEM, "index of %u wallets", n);
    s->at = at;
    memset(at + s->n, 0, (n - s->n) * sizeof *at);
    s->n = n;
    return WR_OK;
}

wr_status wr_sparse_add(wr_sparse *s, uint32_t v, wr_err *err)
{
    double *row = wr_grow(s->row, &s->cap, (s->count + 1) * s->width, sizeof *row);
    if (!row)
        return wr_fail(err, WR_ENOMEM, "row %zu of %zu values", s->count, s->width);
    s->row = row;
    memset(row + s->count * s->width, 0, s->width * sizeof *row);
    s->at[v] = (uint32_t)s->count++;
    return WR_OK;
}

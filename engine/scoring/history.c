#include "scoring/history_int.h"

wr_status wr_history_check(const wr_flow *fl, wr_vid v, wr_err *err)
{
    if (v >= fl->n)
        return wr_fail(err, WR_EINVAL, "vertex %u of %u", v, fl->n);
    if (fl->seeds->n != fl->n)
        return wr_fail(err, WR_EINVAL, "labels of %u wallets for a graph of %u",
                       fl->seeds->n, fl->n);
    if (!fl->in.off || !fl->out.off || fl->in.n != fl->n || fl->out.n != fl->n)
        return wr_fail(err, WR_EINVAL, "rows by wallet are missing");
    return WR_OK;
}

void wr_cursor_seek(wr_cursor *k, const wr_history *h, uint64_t key)
{
    uint64_t low = 0, high = k->count;
    while (low < high) {
        k->next = low + (high - low) / 2;
        if (wr_history_key(h, wr_cursor_at(k)) < key)
            low = k->next + 1;
        else
            high = k->next;
    }
    k->next = low;
}

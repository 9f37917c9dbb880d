#include "scoring/vid_set_int.h"

/* Where v is, or the free place where it would be.  There is always a free place. */
static size_t place_of(const wr_vid_set *s, wr_vid v)
{
    size_t k = (size_t)((v * 0x9E3779B97F4A7C15ULL) >> 32) & (s->table_size - 1);
    while (s->table[k] && s->v[s->table[k] - 1] != v)
        k = (k + 1) & (s->table_size - 1);
    return k;
}

static wr_status grow(wr_vid_set *s, wr_err *err)
{
    size_t size = s->table_size ? 2 * s->table_size : 256;
    uint32_t *table = wr_calloc(size, sizeof *table);
    if (!table)
        return wr_fail(err, WR_ENOMEM, "table of %zu wallets", size);
    wr_free(s->table);
    s->table = table;
    s->table_size = size;
    for (size_t i = 0; i < s->count; i++)
        table[place_of(s, s->v[i])] = (uint32_t)i + 1;
    return WR_OK;
}

uint32_t wr_vid_set_find(const wr_vid_set *s, wr_vid v)
{
    uint32_t number_1 = s->table_size ? s->table[place_of(s, v)] : 0;
    return number_1 ? number_1 - 1 : WR_VID_SET_NONE;
}

wr_status wr_vid_set_add(uint32_t *number, wr_vid_set *s, wr_vid v, wr_err *err)
{
    uint32_t known = wr_vid_set_find(s, v);
    if (known != WR_VID_SET_NONE) {
        *number = known;
        return WR_OK;
    }
    if (2 * (s->count + 1) > s->table_size)
        WR_TRY(grow(s, err));
    wr_vid *list = wr_grow(s->v, &s->cap, s->count + 1, sizeof *list);
    if (!list)
        return wr_fail(err, WR_ENOMEM, "list of %zu wallets", s->count);
    s->v = list;
    list[s->count] = v;
    s->table[place_of(s, v)] = (uint32_t)s->count + 1;
    *number = (uint32_t)s->count++;
    return WR_OK;
}

void wr_vid_set_clear(wr_vid_set *s)
{
    /* The last one first: what stood in its way came before it, and is still there. */
    for (; s->count; s->count--)
        s->table[place_of(s, s->v[s->count - 1])] = 0;
}

void wr_vid_set_release(wr_vid_set *s)
{
    wr_free(s->v);
    wr_free(s->table);
    *s = (wr_vid_set){0};
}

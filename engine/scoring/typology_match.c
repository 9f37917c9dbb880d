#include "scoring/typology_match_int.h"

#include <math.h>
#include <string.h>

#include "util/mem.h"

void wr_typology_match_reset(wr_typology_match *m, uint32_t hold_s, double share_min)
{
    m->hold_s = hold_s;
    m->share_min = share_min;
    m->head = m->lot_count = m->part_count = m->done_from = 0;
}

bool wr_typology_match_in(wr_typology_match *m, uint32_t at, uint32_t time_s,
                          double value)
{
    wr_typology_lot *lot = wr_grow(m->lot, &m->lot_cap, m->lot_count + 1, sizeof *lot);
    if (!lot)
        return false;
    m->lot = lot;
    lot[m->lot_count++] = (wr_typology_lot){.value = value,
                                            .rest = value,
                                            .at = at,
                                            .time_s = time_s,
                                            .done_at = WR_TYPOLOGY_OPEN};
    return true;
}

static bool note_part(wr_typology_match *m, uint32_t at, double value)
{
    wr_typology_part *part =
        wr_grow(m->part, &m->part_cap, m->part_count + 1, sizeof *part);
    if (!part)
        return false;
    m->part = part;
    wr_typology_lot *l = &m->lot[m->head];
    if (!(l->counted > 0))
        l->first_part = (uint32_t)m->part_count;
    part[m->part_count++] = (wr_typology_part){value, (uint32_t)m->head, at};
    if (l->done_at == WR_TYPOLOGY_OPEN) {
        l->counted += value;
        if (l->counted >= m->share_min * l->value)
            l->done_at = at;
    }
    return true;
}

void wr_typology_match_expire(wr_typology_match *m, uint32_t time_s)
{
    while (m->head < m->lot_count && time_s - m->lot[m->head].time_s > m->hold_s)
        m->head++;
}

bool wr_typology_match_out(wr_typology_match *m, uint32_t at, uint32_t time_s,
                           double value, bool does_count)
{
    wr_typology_match_expire(m, time_s);
    m->done_from = m->head;
    while (value > 0 && m->head < m->lot_count) {
        wr_typology_lot *l = &m->lot[m->head];
        const double part = fmin(value, l->rest);
        if (does_count && part > 0 && !note_part(m, at, part))
            return false;
        l->rest -= part;
        value -= part;
        if (l->rest > 0)
            break;
        m->head++;
    }
    return true;
}

void wr_typology_match_forget(wr_typology_match *m)
{
    size_t first = m->part_count;
    while (first > 0 && m->part[first - 1].lot >= m->head)
        first--;
    m->lot_count -= m->head;
    m->part_count -= first;
    if (m->lot_count)
        memmove(m->lot, m->lot + m->head, m->lot_count * sizeof *m->lot);
    if (m->part_count)
        memmove(m->part, m->part + first, m->part_count * sizeof *m->part);
    for (size_t i = 0; i < m->part_count; i++)
        m->part[i].lot -= (uint32_t)m->head;
    for (size_t i = 0; i < m->lot_count; i++)
        if (m->lot[i].counted > 0)
            m->lot[i].first_part -= (uint32_t)first;
    m->head = m->done_from = 0;
}

void wr_typology_match_release(wr_typology_match *m)
{
    wr_free(m->lot);
    wr_free(m->part);
    *m = (wr_typology_match){0};
}

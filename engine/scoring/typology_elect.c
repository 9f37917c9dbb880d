#include "scoring/typology_elect_int.h"

#include <stdlib.h>

#include "util/mem.h"

void wr_typology_election_reset(wr_typology_election *e)
{
    for (size_t i = 0; i < e->candidates; i++)
        e->table[e->candidate[i].slot] = 0;
    e->voters = e->candidates = 0;
}

bool wr_typology_election_add(wr_typology_election *e, wr_vid v, wr_typology_row row)
{
    wr_typology_voter *p = wr_grow(e->voter, &e->voter_cap, e->voters + 1, sizeof *p);
    if (!p)
        return false;
    e->voter = p;
    p[e->voters++] = (wr_typology_voter){row, v};
    return true;
}

void wr_typology_election_release(wr_typology_election *e)
{
    wr_free(e->voter);
    wr_free(e->candidate);
    wr_free(e->table);
    *e = (wr_typology_election){0};
}

/* --- candidates -----------------------------------------------------------------------
 */

/* The slot that holds v, or the empty one where it belongs. */
static uint32_t slot_of(const wr_typology_election *e, wr_vid v)
{
    const size_t mask = e->table_size - 1;
    size_t i = (v * 0x9E3779B97F4A7C15ULL >> 32) & mask;
    while (e->table[i] && e->candidate[e->table[i] - 1].v != v)
        i = (i + 1) & mask;
    return (uint32_t)i;
}

static wr_typology_candidate *find(const wr_typology_election *e, wr_vid v)
{
    const uint32_t i = e->table_size ? e->table[slot_of(e, v)] : 0;
    return i ? &e->candidate[i - 1] : NULL;
}

static bool widen(wr_typology_election *e)
{
    const size_t size = e->table_size ? 2 * e->table_size : 64;
    uint32_t *t = wr_calloc(size, sizeof *t);
    if (!t)
        return false;
    wr_free(e->table);
    e->table = t;
    e->table_size = size;
    for (size_t i = 0; i < e->candidates; i++) {
        wr_typology_candidate *c = &e->candidate[i];
        c->slot = slot_of(e, c->v);
        t[c->slot] = (uint32_t)i + 1;
    }
    return true;
}

static bool stand(wr_typology_election *e, wr_vid v)
{
    wr_typology_candidate *c =
        wr_grow(e->candidate, &e->candidate_cap, e->candidates + 1, sizeof *c);
    if (!c)
        return false;
    e->candidate = c;
    if (2 * (e->candidates + 1) > e->table_size && !widen(e))
        return false;
    const uint32_t slot = slot_of(e, v);
    c[e->candidates] = (wr_typology_candidate){.v = v, .slot = slot};
    e->table[slot] = (uint32_t)++e->candidates;
    return true;
}

bool wr_typology_is_elected(const wr_typology_election *e, wr_vid v)
{
    return find(e, v) != NULL;
}

/* Only those with `votes_min` votes stay. */
static void drop(wr_typology_election *e, size_t votes_min)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->candidates; i++)
        e->table[e->candidate[i].slot] = 0;
    for (size_t i = 0; i < e->candidates; i++)
        if (e->candidate[i].votes >= votes_min)
            e->candidate[kept++] = e->candidate[i];
    e->candidates = 0; /* slots are sought among those that are back */
    for (size_t i = 0; i < kept; i++) {
        wr_typology_candidate *c = &e->candidate[i];
        c->slot = slot_of(e, c->v);
        e->table[c->slot] = (uint32_t)++e->candidates;
    }
}

/* --- voters ---------------------------------------------------------------------------
 */

static int by_length(const void *a, const void *b)
{
    const wr_typology_voter *x = a, *y = b;
    if (x->row.count != y->row.count)
        return x->row.count < y->row.count ? -1 : 1;
    return (x->v > y->v) - (x->v < y->v);
}

/* The votes of voter k; is_open: others than candidates can still be elected. */
static bool count_votes(wr_typology_election *e, const wr_typology_ballot *b, size_t k,
                        bool is_open, bool *is_partial)
{
    const wr_typology_voter *voter = &e->voter[k];
    for (size_t i = 0; i < voter->row.count; i++) {
        if ((*b->visits)++ >= b->visits_max) {
            *is_partial = true;
            return true;
        }
        const wr_vid v = b->vote(b->ctx, voter->v, voter->row.at[i]);
        if (v == WR_VID_NONE)
            continue;
        wr_typology_candidate *c = find(e, v);
        if (!c && is_open) {
            if (!stand(e, v))
                return false;
            c = &e->candidate[e->candidates - 1];
        }
        if (c && c->last != k + 1) {
            c->last = (uint32_t)k + 1;
            c->votes++;
        }
    }
    return true;
}

bool wr_typology_elect(wr_typology_election *e, const wr_typology_ballot *b,
                       bool *is_partial)
{
    if (e->voters < b->need)
        return true;
    qsort(e->voter, e->voters, sizeof *e->voter, by_length);
    for (size_t k = 0; k < e->voters; k++) {
        const size_t left = e->voters - k; /* voters, this one too */
        if (left < b->need && e->candidates <= e->voter[k].row.count) {
            /* a look at all candidates costs no more than the row it may save */
            drop(e, b->need - left);
            if (e->candidates < b->enough)
                break;
        }
        if (!count_votes(e, b, k, left >= b->need, is_partial))
            return false;
        if (*is_partial)
            break;
    }
    drop(e, *is_partial ? SIZE_MAX : b->need);
    if (e->candidates < b->enough)
        drop(e, SIZE_MAX);
    return true;
}

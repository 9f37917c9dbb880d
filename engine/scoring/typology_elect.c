#include "scoring/typology_elect_int.h"

#include <stdlib.h>

#include "util/mem.h"

void wr_typology_election_reset(wr_typology_election *e)
{
    wr_vid_set_clear(&e->candidates);
    e->voters = e->elected = 0;
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
    wr_free(e->votes);
    wr_vid_set_release(&e->candidates);
    *e = (wr_typology_election){0};
}

bool wr_typology_is_elected(const wr_typology_election *e, wr_vid v)
{
    const uint32_t i = e->elected ? wr_vid_set_find(&e->candidates, v) : WR_VID_SET_NONE;
    return i != WR_VID_SET_NONE && e->votes[i].count >= e->need;
}

/* Candidates with at least `least` votes. */
static size_t count_with(const wr_typology_election *e, size_t least)
{
    size_t count = 0;
    for (size_t i = 0; i < e->candidates.count; i++)
        count += e->votes[i].count >= least;
    return count;
}

/* v's votes, none so far when it is new. */
static bool stand(wr_typology_votes **out, wr_typology_election *e, wr_vid v)
{
    const size_t before = e->candidates.count;
    wr_typology_votes *p = wr_grow(e->votes, &e->votes_cap, before + 1, sizeof *p);
    if (!p)
        return false;
    e->votes = p;
    uint32_t i;
    if (wr_vid_set_add(&i, &e->candidates, v, NULL) != WR_OK)
        return false;
    if (i == before)
        p[i] = (wr_typology_votes){0};
    *out = &p[i];
    return true;
}

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
        wr_typology_votes *c = NULL;
        if (v == WR_VID_NONE)
            continue;
        if (is_open) {
            if (!stand(&c, e, v))
                return false;
        } else {
            const uint32_t known = wr_vid_set_find(&e->candidates, v);
            c = known == WR_VID_SET_NONE ? NULL : &e->votes[known];
        }
        if (c && c->last != k + 1) {
            c->last = (uint32_t)k + 1;
            c->count++;
        }
    }
    return true;
}

bool wr_typology_elect(wr_typology_election *e, const wr_typology_ballot *b,
                       bool *is_partial)
{
    e->need = b->need;
    if (e->voters < b->need)
        return true;
    qsort(e->voter, e->voters, sizeof *e->voter, by_length);
    for (size_t k = 0; k < e->voters; k++) {
        const size_t left = e->voters - k; /* voters, this one too */
        /* a look at all candidates costs no more than the row it may save */
        if (left < b->need && e->candidates.count <= e->voter[k].row.count &&
            count_with(e, b->need - left) < b->enough)
            return true;
        if (!count_votes(e, b, k, left >= b->need, is_partial))
            return false;
        if (*is_partial)
            return true;
    }
    e->elected = count_with(e, b->need);
    if (e->elected < b->enough)
        e->elected = 0;
    return true;
}

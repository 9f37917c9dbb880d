/*
 * typology_elect_int.h - whom enough of several wallets deal with, found without reading
 * more of their rows than it takes.
 *
 * Each voter names, by the transfers of its row, whom it votes for, each one once.
 * Elected is who has at least `need` votes.  Voters come by the length of their rows:
 * whom none of the shortest (all but need - 1 of them) names cannot be elected any more,
 * and when fewer than `enough` still can, the long rows are not read at all.
 *
 * One object one thread.
 */
#ifndef WR_SCORING_TYPOLOGY_ELECT_INT_H
#define WR_SCORING_TYPOLOGY_ELECT_INT_H

#include "scoring/typology_log_int.h"
#include "scoring/vid_set_int.h"

typedef struct wr_typology_voter {
    wr_typology_row row;
    wr_vid v;
} wr_typology_voter;

typedef struct wr_typology_votes {
    uint32_t count, last; /* voter that voted last, from 1 on */
} wr_typology_votes;

typedef struct wr_typology_election {
    wr_typology_voter *voter;
    size_t voters, voter_cap, votes_cap;
    wr_vid_set candidates;
    wr_typology_votes *votes; /* [candidates.count] */
    uint32_t need;            /* votes of who is elected */
    size_t elected;
} wr_typology_election;

/* Whom the transfer at a position of v's row is a vote for, or WR_VID_NONE. */
typedef wr_vid wr_typology_vote(const void *ctx, wr_vid v, uint32_t at);

typedef struct wr_typology_ballot {
    wr_typology_vote *vote;
    const void *ctx;
    uint32_t *visits; /* transfers looked at, in and out; no more than visits_max */
    uint32_t visits_max;
    uint32_t need, enough; /* >= 1 */
} wr_typology_ballot;

/* No voters, no candidates; keeps its memory. */
void wr_typology_election_reset(wr_typology_election *e);
bool wr_typology_election_add(wr_typology_election *e, wr_vid v,
                              wr_typology_row row) WR_NODISCARD;
/*
 * False: out of memory.  *is_partial: the budget ran out.  Nobody is elected then, nor
 * when they would be fewer than enough.
 */
bool wr_typology_elect(wr_typology_election *e, const wr_typology_ballot *b,
                       bool *is_partial) WR_NODISCARD;
bool wr_typology_is_elected(const wr_typology_election *e, wr_vid v);
void wr_typology_election_release(wr_typology_election *e);

#endif

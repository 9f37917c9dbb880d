/*
 * aggregate.h - what a wallet's neighbours are like: parameter-free aggregates.
 *
 *     S_in  row v = mean over the wallets that paid v        S_out  over those it paid
 *
 *   per column b, one hop      mean, max, std over in- and over out-neighbours     6
 *   per column b, two hops     S_in S_in b, S_out S_out b, S_in S_out b, S_out S_in b  4
 *
 * Each neighbour counts once, whatever it paid.  S_in S_out b is the mean over the payers
 * of v of the mean over their payees (v is one of these).  Std is the population's; a
 * wallet without neighbours has zeros.  Left out as neighbours, at either hop: services
 * (their neighbours are strangers to each other) and pairs that met at as_of_s or later.
 * Rows of more than hub_min neighbours keep `sample` by a hash of the pair
 * (links_int.h).  UTXO transactions are vertices like others: two hops are one payment.
 *
 * Rows leave in blocks through a sink: the whole result (n x columns) never stands in
 * memory; of two-hop means only the inner n x two_hop x 2 do.
 *
 * The sweep of spmm_int.h is shared in what it found out (a row of the state is gathered
 * once for all columns, in lanes of four, its cache lines asked for ahead), not in code:
 * it relaxes in place with one weight per edge, these need max and std beside the sum,
 * no weights at all and an input that stays as it is.
 *
 * Arithmetic: sums in double of differences from the first neighbour (ascending order),
 * so that equal values have std 0; one thread per row, rounded once: same bits for any
 * number of threads and instructions, and for the plain kernel.
 *
 * Source  Frasca et al., SIGN, arXiv:2004.11198; Corso et al., PNA, NeurIPS 2020,
 *         arXiv:2004.05718 (max, std); Tang et al., GADBench, NeurIPS 2023 (trees on
 *         such aggregates); ALGORITHMS 4.1
 * Differs directions apart; services and hubs; no learned part, no degree scalers.
 */
#ifndef WR_SCORING_AGGREGATE_H
#define WR_SCORING_AGGREGATE_H

#include "scoring/seeds.h"
#include "scoring/views.h"
#include "util/progress.h"

typedef struct wr_aggregate wr_aggregate; /* S_in and S_out; immutable */

typedef struct wr_aggregate_opts {
    const wr_seeds *seeds; /* services among them are left out; NULL = none */
    uint32_t as_of_s; /* pairs that met before it; labels that hold the second before */
    uint32_t hub_min; /* rows longer than this ... */
    uint32_t sample;  /* ... keep so many; 1 .. hub_min */
    uint64_t seed;
} wr_aggregate_opts;

#define WR_AGGREGATE_OPTS_INIT                                   \
    {                                                            \
        .as_of_s = UINT32_MAX, .hub_min = 10000, .sample = 1000, \
    }

/*
 * Errors  WR_EINVAL (sample outside 1..hub_min, labels of another n), WR_ENOMEM
 * Cost    O(n + m); 4 bytes per pair and direction + 16n
 * Thread  safe; the caller's OpenMP team
 */
wr_status wr_aggregate_new(wr_aggregate **out, const wr_views *vw,
                           const wr_aggregate_opts *o, wr_err *err) WR_NODISCARD;
void wr_aggregate_free(wr_aggregate *a); /* accepts NULL */
WR_DEFINE_AUTO(wr_aggregate, wr_aggregate_free)

uint64_t wr_aggregate_thinned(const wr_aggregate *a); /* rows that were sampled */

typedef enum wr_aggregate_hop {
    WR_HOP_IN,
    WR_HOP_OUT,
    WR_HOP_IN_IN,
    WR_HOP_OUT_OUT,
    WR_HOP_IN_OUT,
    WR_HOP_OUT_IN,
    WR_HOP_COUNT
} wr_aggregate_hop;

typedef enum wr_aggregate_stat {
    WR_STAT_MEAN,
    WR_STAT_MAX,
    WR_STAT_STD,
    WR_STAT_COUNT
} wr_aggregate_stat;

const char *wr_aggregate_hop_name(wr_aggregate_hop h);   /* "in", …, "in_out" */
const char *wr_aggregate_stat_name(wr_aggregate_stat s); /* "mean", "max", "std" */

typedef struct wr_aggregate_input {
    const float *x; /* [n*ld] finite; |x| < 1e19, so that no square overflows a float */
    uint32_t ld;
    uint32_t columns;      /* f: the first f of each row; 1 .. ld */
    uint32_t two_hop;      /* g: the first g of each row also over two hops; 0 .. f */
    bool is_plain;         /* the plain kernel, for checks and benches */
    const wr_progress *pg; /* may be NULL */
} wr_aggregate_input;

/* What stands in a column of the result, 0 .. wr_aggregate_columns - 1. */
typedef struct wr_aggregate_part {
    wr_aggregate_hop hop;
    wr_aggregate_stat stat;
    uint32_t column; /* of x */
} wr_aggregate_part;

uint32_t wr_aggregate_columns(const wr_aggregate_input *in); /* 6f + 4g */
wr_aggregate_part wr_aggregate_part_at(const wr_aggregate_input *in, uint32_t at);

/* Takes rows first .. first+rows-1, block [rows*columns]; called in order, one thread. */
typedef wr_status wr_aggregate_sink(void *ctx, uint32_t first, uint32_t rows,
                                    const float *block, wr_err *err);

/*
 * Errors  WR_EINVAL (columns outside 1..ld, two_hop above columns), WR_ENOMEM,
 *         WR_ESTOPPED, and what the sink returns
 * Cost    O(m (2f + 6g)); 8 n g bytes and one block of at most 32 MiB (or one row)
 * Thread  safe; the caller's OpenMP team
 */
wr_status wr_aggregate_run(const wr_aggregate *a, const wr_aggregate_input *in,
                           wr_aggregate_sink *sink, void *ctx, wr_err *err) WR_NODISCARD;

#endif

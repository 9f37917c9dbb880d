/*
 * poison.h - the bluntest rule: any contact taints; how many hops away, in time order.
 *
 * hops[v][c] = fewest hops of a walk, forward in (time, seq), from a wallet labelled c
 * (illicit or risky, label holding at the first transfer) to v; not through labelled
 * wallets; hubs cost none.  Walks longer than max_hops do not count.  When sending: from
 * v to a labelled wallet.  Amounts play no part (zero: no flow), nor do assets.
 *
 * Exact: in time order the best walk into a payer is known before the payer pays.
 * Source  ALGORITHMS 2
 */
#ifndef WR_SCORING_POISON_H
#define WR_SCORING_POISON_H

#include "scoring/flow.h"
#include "util/progress.h"

enum { WR_POISON_NONE = 255, WR_POISON_HOPS_MAX = 254 };

typedef struct wr_poison {
    uint32_t n, c;
    wr_direction direction;
    uint8_t *hops;     /* [n*C] 1.. (0 at a hub), WR_POISON_NONE = not reached */
    uint8_t *min_hops; /* [n] over categories, WR_POISON_NONE = not reached */
    uint16_t *mask;    /* [n] bit c = reached by category c */
} wr_poison;

/*
 * max_hops  1..WR_POISON_HOPS_MAX
 * Errors    WR_EINVAL (max_hops outside its range, seeds of another n), WR_ENOMEM,
 *           WR_ESTOPPED
 * Cost      O(m C); (C + 3) n bytes of result, (C + 1) n of workspace
 * Thread    safe; one thread
 */
wr_status wr_poison_run(wr_poison *out, const wr_flow *fl, wr_direction direction,
                        uint32_t max_hops, const wr_progress *pg,
                        wr_err *err) WR_NODISCARD;
void wr_poison_release(wr_poison *p); /* safe on a zeroed struct */
uint64_t wr_poison_bytes(const wr_poison *p);
#define WR_POISON_AUTO __attribute__((cleanup(wr_poison_release)))

#endif

/*
 * betabin_int.h - how much groups differ in their rate of labelled members.
 *
 * The rate of a group is taken as Beta(alpha rate, alpha (1 - rate)); given the members
 * counted in many groups, alpha is the value that makes these counts most likely
 * (beta-binomial maximum likelihood): small = groups are all one or all the other, large
 * = they hardly differ.
 *
 * Source  Skellam, J. R. Stat. Soc. B 10 (1948), doi:10.1111/j.2517-6161.1948.tb00014.x.
 * Differs the mean is fixed at the rate over all memberships; alpha alone is searched
 *         (golden section on its logarithm, between e^-6 and e^8).
 */
#ifndef WR_SCORING_BETABIN_INT_H
#define WR_SCORING_BETABIN_INT_H

#include <stdint.h>

#include "util/err.h"

typedef struct wr_group {
    uint32_t bad, members;
} wr_group;

/*
 * alpha   out, in [e^-6, e^8]
 * group   [n]; those with fewer than two members are passed over
 * rate    in (0, 1)
 * Errors  WR_ENOMEM
 * Cost    O(n + largest group) + 40 evaluations of O(distinct counts)
 */
wr_status wr_betabin_fit(double *alpha, const wr_group *group, uint32_t n, double rate,
                         wr_err *err) WR_NODISCARD;

#endif

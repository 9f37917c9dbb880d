#include "scoring/combine.h"

#include <inttypes.h>
#include <math.h>

#include "scoring/betabin_int.h"
#include "util/mem.h"

enum { ROWS = 1024 }; /* vertices handed to a thread at once */

typedef struct side {
    const wr_pairs *rows; /* a centre's members */
    const wr_pairs *back; /* a member's centres */
    wr_group *group;      /* [n]; members are wallets, never hubs */
    double rate, concentration, contact;
} side;

typedef struct combine {
    const wr_views *vw;
    const wr_seeds *s;
    const wr_combine_input *in;
    side side[2]; /* WR_RECEIVING: payees of one payer; WR_SENDING: payers of one payee */
    double doubt; /* rate over both, counted with one member of either kind more */
} combine;

static bool is_bad(const combine *k, wr_vid v)
{
    int c = k->s->category[v];
    return c >= 0 && (k->in->kinds >> k->s->kind[c] & 1);
}

static void count_groups(side *sd, const combine *k)
{
    const uint32_t n = k->s->n;
#pragma omp parallel for default(none) shared(sd, k, n) schedule(dynamic, ROWS)
    for (uint32_t w = 0; w < n; w++) {
        wr_group g = {0, 0};
        for (uint64_t i = sd->rows->off[w]; i < sd->rows->off[w + 1ULL]; i++) {
            const wr_vid v = sd->rows->nbr[i];
            if (wr_views_is_hub(k->vw, v))
                continue;
            g.members++;
            g.bad += is_bad(k, v);
        }
        sd->group[w] = g;
    }
}

/* Rate and concentration of the groups that have more than one member. */
static wr_status fit_groups(side *sd, uint32_t n, wr_err *err)
{
    uint64_t bad = 0, members = 0;
    for (uint32_t w = 0; w < n; w++)
        if (sd->group[w].members > 1) {
            bad += sd->group[w].bad;
            members += sd->group[w].members;
        }
    if (bad == 0 || bad == members) /* no difference between groups to learn from */
        return WR_OK;
    sd->rate = (double)bad / (double)members;
    return wr_betabin_fit(&sd->concentration, sd->group, n, sd->rate, err);
}

/*
 * Contacts of v that are labelled.  One through a hub counts with the share of labelled
 * wallets behind it: the hub's group of the other direction, v itself not counted.
 */
static double bad_contacts(const combine *k, int d, wr_vid v)
{
    const side *sd = &k->side[d];
    const side *behind = &k->side[1 - d];
    double sum = 0.0;
    for (uint64_t i = sd->back->off[v]; i < sd->back->off[v + 1ULL]; i++) {
        const wr_vid u = sd->back->nbr[i];
        if (!wr_views_is_hub(k->vw, u)) {
            sum += is_bad(k, u);
            continue;
        }
        const wr_group g = behind->group[u];
        const wr_pairs *rows = behind->rows;
        const uint32_t own =
            is_bad(k, v) && wr_row_find(rows->off, rows->nbr, u, v) != UINT64_MAX;
        sum += g.members ? (double)(g.bad - own) / g.members : 0.0;
    }
    return sum;
}

/* log(s/a), both rates per contact; 0 where labelled wallets do not seek each other. */
static double contact_nats(const combine *k, int d)
{
    double bad_of_all = 0, all = 0, bad_of_bad = 0, of_bad = 0;
    for (uint32_t v = 0; v < k->s->n; v++) {
        if (wr_views_is_hub(k->vw, v))
            continue;
        const double bad = bad_contacts(k, d, v);
        const double contacts = (double)wr_views_degree(k->side[d].back, v);
        bad_of_all += bad;
        all += contacts;
        if (is_bad(k, v)) {
            bad_of_bad += bad;
            of_bad += contacts;
        }
    }
    if (!(bad_of_all > 0.0))
        return 0.0;
    const double a = bad_of_all / all;
    const double s = (bad_of_bad + a) / (of_bad + 1.0); /* one contact of doubt */
    return fmax(0.0, log(s / a));
}

/* What the groups v is a member of say; v's own label is not in its counts. */
static double group_nats(const side *sd, const combine *k, wr_vid v)
{
    double sum = 0.0;
    if (!(sd->rate > 0.0))
        return 0.0;
    const uint32_t own = is_bad(k, v);
    for (uint64_t i = sd->back->off[v]; i < sd->back->off[v + 1ULL]; i++) {
        const wr_group g = sd->group[sd->back->nbr[i]];
        if (g.members < 2)
            continue;
        const double theta = (g.bad - own + sd->concentration * sd->rate) /
                             (g.members - 1 + sd->concentration);
        sum += log(theta / sd->rate);
    }
    return sum;
}

static double noisy_or(const combine *k, const double *x, wr_vid v)
{
    return x ? log((1.0 + k->doubt) / (1.0 - x[v] + k->doubt)) : 0.0;
}

static void weigh(double *total, wr_evidence *part, const combine *k)
{
    const uint32_t n = k->s->n;
#pragma omp parallel for default(none) shared(total, part, k, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (wr_views_is_hub(k->vw, v)) { /* no member of any group */
            total[v] = 0.0;
            if (part)
                part[v] = (wr_evidence){0};
            continue;
        }
        const double payers = group_nats(&k->side[WR_RECEIVING], k, v);
        const double payees = group_nats(&k->side[WR_SENDING], k, v);
        double contact = 0.0;
        for (int d = 0; d < 2; d++)
            if (k->side[d].contact > 0.0)
                contact += k->side[d].contact * bad_contacts(k, d, v);
        const double association =
            is_bad(k, v) ? 0.0 : noisy_or(k, k->in->association, v);
        const double exposure =
            noisy_or(k, k->in->received, v) + noisy_or(k, k->in->sent, v);
        total[v] = payers + payees + contact + association + exposure;
        if (part)
            part[v] = (wr_evidence){(float)payers, (float)payees, (float)contact,
                                    (float)association, (float)exposure};
    }
}

static wr_status check_column(const double *x, const char *name, uint32_t n, wr_err *err)
{
    for (uint32_t v = 0; x && v < n; v++)
        if (!(x[v] >= 0.0 && x[v] <= 1.0))
            return wr_fail(err, WR_EINVAL, "%s %g of vertex %" PRIu32 " not in [0,1]",
                           name, x[v], v);
    return WR_OK;
}

static wr_status check(const combine *k, wr_err *err)
{
    const uint32_t n = k->s->n;
    if (n != k->vw->in.n || n != k->vw->out.n)
        return wr_fail(err, WR_EINVAL,
                       "labels for %" PRIu32 " vertices, graph has %" PRIu32, n,
                       k->vw->in.n);
    WR_TRY(check_column(k->in->association, "association", n, err));
    WR_TRY(check_column(k->in->received, "received share", n, err));
    return check_column(k->in->sent, "sent share", n, err);
}

/* Rate of labelled members over both sides, never 0: Laplace's rule of succession. */
static double joint_rate(const combine *k)
{
    uint64_t bad = 1, members = 2;
    for (int d = 0; d < 2; d++)
        for (uint32_t w = 0; w < k->s->n; w++)
            if (k->side[d].group[w].members > 1) {
                bad += k->side[d].group[w].bad;
                members += k->side[d].group[w].members;
            }
    return (double)bad / (double)members;
}

static wr_status run(double *total, wr_evidence *part, combine *k, wr_err *err)
{
    for (int d = 0; d < 2; d++) {
        side *sd = &k->side[d];
        sd->rows = d == WR_RECEIVING ? &k->vw->out : &k->vw->in;
        sd->back = d == WR_RECEIVING ? &k->vw->in : &k->vw->out;
        sd->group = wr_calloc(k->s->n, sizeof *sd->group);
        if (!sd->group)
            return wr_fail(err, WR_ENOMEM, "groups of %" PRIu32 " vertices", k->s->n);
        count_groups(sd, k);
        WR_TRY(fit_groups(sd, k->s->n, err));
    }
    for (int d = 0; d < 2; d++)
        k->side[d].contact = contact_nats(k, d);
    k->doubt = joint_rate(k);
    weigh(total, part, k);
    return WR_OK;
}

wr_status wr_combine(double *total, wr_evidence *part, wr_combine_report *rep,
                     const wr_views *vw, const wr_seeds *s, const wr_combine_input *in,
                     wr_err *err)
{
    combine k = {.vw = vw, .s = s, .in = in};
    WR_TRY(check(&k, err));
    wr_status st = run(total, part, &k, err);
    for (int d = 0; d < 2; d++) {
        wr_free(k.side[d].group);
        if (st != WR_OK || !rep)
            continue;
        rep->group_rate[d] = k.side[d].rate;
        rep->concentration[d] = k.side[d].concentration;
        rep->contact_nats[d] = k.side[d].contact;
    }
    return st;
}

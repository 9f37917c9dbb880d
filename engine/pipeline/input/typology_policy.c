#include "pipeline/input/typology_policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "codec/yaml_doc.h"
#include "scoring/typology_live.h"

/* --- the options of the kernels by name ------------------------------------------------
 */

typedef struct option {
    const char *name;
    size_t at;     /* in wr_typology_opts */
    bool is_count; /* uint32_t; else double */
} option;

#define COUNT(field)                                    \
    {                                                   \
#        field, offsetof(wr_typology_opts, field), true \
    }
#define NUMBER(field)                                    \
    {                                                    \
#        field, offsetof(wr_typology_opts, field), false \
    }

static const option OPTION[] = {
    COUNT(hub_cap),
    COUNT(visits_max),
    COUNT(hits_max),
    COUNT(fan_count),
    COUNT(fan_window_s),
    COUNT(gather_count),
    COUNT(gather_out_count),
    COUNT(gather_window_s),
    COUNT(scatter_count),
    COUNT(scatter_window_s),
    COUNT(cycle_hops_max),
    COUNT(cycle_window_s),
    COUNT(cycle_visits_mean),
    COUNT(peel_hops),
    COUNT(peel_hold_s),
    COUNT(pass_hold_s),
    COUNT(pass_events),
    COUNT(pass_window_s),
    COUNT(structuring_count),
    COUNT(structuring_window_s),
    COUNT(bridge_count),
    COUNT(bridge_window_s),
    COUNT(bipartite_senders),
    COUNT(bipartite_receivers),
    COUNT(bipartite_window_s),
    COUNT(stack_window_s),
    COUNT(chain_wallets),
    COUNT(dormant_gap_s),
    COUNT(dormant_window_s),
    COUNT(dust_count),
    COUNT(dust_window_s),
    COUNT(poison_window_s),
    COUNT(coinjoin_outputs),
    COUNT(hop_hold_s),
    COUNT(hop_events),
    COUNT(hop_window_s),
    COUNT(burst_age_s),
    COUNT(burst_hold_s),
    NUMBER(fan_even_min),
    NUMBER(gather_before_min),
    NUMBER(gather_ratio_min),
    NUMBER(gather_ratio_max),
    NUMBER(scatter_ratio_min),
    NUMBER(scatter_ratio_max),
    NUMBER(cycle_even_min),
    NUMBER(peel_share_min),
    NUMBER(pass_share_min),
    NUMBER(pass_value_min),
    NUMBER(structuring_low),
    NUMBER(structuring_sum_min),
    NUMBER(bridge_score_min),
    NUMBER(bipartite_density_min),
    NUMBER(dormant_gap_ratio),
    NUMBER(dormant_share_min),
    NUMBER(dust_value_max),
    NUMBER(dust_spread),
    NUMBER(hop_share_min),
    NUMBER(burst_value_min),
    NUMBER(burst_share_min),
};

enum { OPTIONS = sizeof OPTION / sizeof *OPTION, OWN_KEYS = 9 };

static const char *const OWN_KEY[OWN_KEYS] = {"enabled",
                                              "live",
                                              "live_mb",
                                              "lookback_days",
                                              "weights",
                                              "member_weight",
                                              "mixer_categories",
                                              "swap_categories",
                                              "structuring_threshold"};

static wr_status read_option(wr_typology_opts *o, const option *p, wr_yaml_node n,
                             wr_err *err)
{
    double x = 0.0;
    WR_TRY(wr_yaml_number(&x, n, p->name, 0, p->is_count ? UINT32_MAX : 1e300, err));
    char *field = (char *)o + p->at;
    if (!p->is_count) {
        memcpy(field, &x, sizeof x);
        return WR_OK;
    }
    if (x != floor(x))
        return wr_yaml_fail(n, err, "%s: %g is no whole number", p->name, x);
    const uint32_t count = (uint32_t)x;
    memcpy(field, &count, sizeof count);
    return WR_OK;
}

static wr_status read_thresholds(wr_typology_opts *o, wr_yaml_node n, wr_err *err)
{
    if (!wr_yaml_has(n))
        return WR_OK;
    if (wr_yaml_count(n) != WR_TYPOLOGY_THRESHOLDS)
        return wr_yaml_fail(n, err, "structuring_threshold: wanted %d numbers",
                            WR_TYPOLOGY_THRESHOLDS);
    for (size_t i = 0; i < WR_TYPOLOGY_THRESHOLDS; i++)
        WR_TRY(wr_yaml_number(&o->structuring_threshold[i], wr_yaml_item(n, i),
                              "structuring_threshold", 0, 1e300, err));
    return WR_OK;
}

static wr_status read_options(wr_typology_opts *o, wr_yaml_node section, wr_err *err)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const wr_yaml_node n = wr_yaml_get(section, OPTION[i].name);
        if (wr_yaml_has(n))
            WR_TRY(read_option(o, &OPTION[i], n, err));
    }
    WR_TRY(read_thresholds(o, wr_yaml_get(section, "structuring_threshold"), err));
    wr_err why = {0};
    if (wr_typology_check_opts(o, &why) != WR_OK)
        return wr_yaml_fail(section, err, "typologies: %s", why.msg);
    return WR_OK;
}

/* --- names, categories, weights --------------------------------------------------------
 */

/* A single value where a list belongs would read as an empty one. */
static wr_status need_list(wr_yaml_node n, const char *what, wr_err *err)
{
    wr_text t;
    return wr_yaml_has(n) && wr_yaml_text(&t, n, what, NULL) == WR_OK
               ? wr_yaml_fail(n, err, "'%s' must be a list", what)
               : WR_OK;
}

static wr_status read_enabled(uint32_t *which, wr_yaml_node list, wr_err *err)
{
    if (!wr_yaml_has(list))
        return WR_OK;
    WR_TRY(need_list(list, "enabled", err));
    *which = 0;
    for (size_t i = 0; i < wr_yaml_count(list); i++) {
        const wr_yaml_node n = wr_yaml_item(list, i);
        wr_text name = {0};
        WR_TRY(wr_yaml_text(&name, n, "enabled", err));
        int t = 0;
        while (t < WR_TYPOLOGY_COUNT &&
               !wr_text_eq(name, wr_text_of(wr_typology_name((wr_typology)t))))
            t++;
        if (t == WR_TYPOLOGY_COUNT)
            return wr_yaml_fail(n, err, "unknown typology '%.*s'", WR_TEXT_ARG(name));
        *which |= 1U << t;
    }
    return WR_OK;
}

static wr_status read_live(wr_typology_live_policy *live, wr_yaml_node section,
                           wr_err *err)
{
    static const struct {
        const char *name;
        uint32_t which;
    } kind[] = {
        {"none", 0}, {"at_once", WR_TYPOLOGY_LIVE_AT_ONCE}, {"all", WR_TYPOLOGY_LIVE}};
    const wr_yaml_node n = wr_yaml_get(section, "live");
    const wr_yaml_node mb = wr_yaml_get(section, "live_mb");
    wr_text name = {0};
    if (wr_yaml_has(mb)) {
        double x = 0.0;
        WR_TRY(wr_yaml_number(&x, mb, "live_mb", 1, WR_LIVE_MB_MAX, err));
        live->bytes_max = (uint64_t)(x * 1e6);
    }
    if (!wr_yaml_has(n))
        return WR_OK;
    WR_TRY(wr_yaml_text(&name, n, "live", err));
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        if (wr_text_eq(name, wr_text_of(kind[i].name))) {
            live->which = kind[i].which;
            return WR_OK;
        }
    return wr_yaml_fail(n, err, "live: '%.*s' is none of none, at_once, all",
                        WR_TEXT_ARG(name));
}

static wr_status read_weights(double *weight, wr_yaml_node map, wr_err *err)
{
    const char *keys[WR_TYPOLOGY_COUNT + 1] = {NULL};
    if (!wr_yaml_has(map))
        return WR_OK;
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        keys[t] = wr_typology_name((wr_typology)t);
    WR_TRY(wr_yaml_only(map, keys, err));
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        const wr_yaml_node n = wr_yaml_get(map, keys[t]);
        if (wr_yaml_has(n))
            WR_TRY(wr_yaml_number(&weight[t], n, keys[t], 0, 1, err));
    }
    return WR_OK;
}

/* Absent: those of `usual` that the taxonomy has. */
static wr_status read_categories(uint32_t *mask, const wr_taxonomy *tx, wr_yaml_node list,
                                 const char *what, const char *const usual[], wr_err *err)
{
    WR_TRY(need_list(list, what, err));
    for (size_t i = 0; !wr_yaml_has(list) && usual[i]; i++) {
        const int c = wr_taxonomy_find(tx, wr_text_of(usual[i]));
        *mask |= c < 0 ? 0 : 1U << c;
    }
    for (size_t i = 0; i < wr_yaml_count(list); i++) {
        const wr_yaml_node n = wr_yaml_item(list, i);
        wr_text id = {0};
        WR_TRY(wr_yaml_text(&id, n, what, err));
        const int c = wr_taxonomy_find(tx, id);
        if (c < 0)
            return wr_yaml_fail(n, err, "%s: unknown category '%.*s'", what,
                                WR_TEXT_ARG(id));
        *mask |= 1U << c;
    }
    return WR_OK;
}

/* --- the section -----------------------------------------------------------------------
 */

static wr_status check_keys(wr_yaml_node section, wr_err *err)
{
    const char *keys[OPTIONS + OWN_KEYS + 1] = {NULL};
    for (size_t i = 0; i < OPTIONS; i++)
        keys[i] = OPTION[i].name;
    for (size_t i = 0; i < OWN_KEYS; i++)
        keys[OPTIONS + i] = OWN_KEY[i];
    return wr_yaml_only(section, keys, err);
}

static wr_status read_section(wr_typology_policy *p, const wr_taxonomy *tx,
                              wr_yaml_node section, wr_err *err)
{
    static const char *const mixer[] = {"mixer", NULL};
    static const char *const swap[] = {"bridge", "defi", NULL};
    const wr_yaml_node days = wr_yaml_get(section, "lookback_days");
    const wr_yaml_node member = wr_yaml_get(section, "member_weight");
    if (wr_yaml_has(section))
        WR_TRY(check_keys(section, err));
    WR_TRY(read_enabled(&p->which, wr_yaml_get(section, "enabled"), err));
    WR_TRY(read_live(&p->live, section, err));
    if (wr_yaml_has(days)) {
        double x = 0.0;
        WR_TRY(wr_yaml_number(&x, days, "lookback_days", 1, WR_LOOKBACK_DAYS_MAX, err));
        if (x != floor(x))
            return wr_yaml_fail(days, err, "lookback_days: %g is no whole number", x);
        p->lookback_days = (uint32_t)x;
    }
    WR_TRY(read_weights(p->weight, wr_yaml_get(section, "weights"), err));
    if (wr_yaml_has(member))
        WR_TRY(wr_yaml_number(&p->member_weight, member, "member_weight", 0, 1, err));
    WR_TRY(read_categories(&p->mixers, tx, wr_yaml_get(section, "mixer_categories"),
                           "mixer_categories", mixer, err));
    WR_TRY(read_categories(&p->swaps, tx, wr_yaml_get(section, "swap_categories"),
                           "swap_categories", swap, err));
    return wr_yaml_has(section) ? read_options(&p->opts, section, err) : WR_OK;
}

wr_status wr_typology_policy_from_yaml(wr_typology_policy *out, const wr_taxonomy *tx,
                                       const char *name, wr_text text, wr_err *err)
{
    WR_AUTO(wr_yaml_doc) d = NULL;
    WR_TRY(wr_yaml_parse(&d, name, text.p, text.len, err));
    wr_typology_policy p = {.which = WR_TYPOLOGY_ALL,
                            .live = {.which = WR_TYPOLOGY_LIVE},
                            .lookback_days = 90,
                            .opts = WR_TYPOLOGY_OPTS_INIT};
    WR_TRY(read_section(&p, tx, wr_yaml_get(wr_yaml_root(d), "typologies"), err));
    *out = p;
    return WR_OK;
}

bool wr_typology_policy_weighs(const wr_typology_policy *p)
{
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (p->weight[t] > 0.0)
            return true;
    return false;
}

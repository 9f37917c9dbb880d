/* What stands in each column of the frame. */
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/learning/frame_int.h"
#include "scoring/booster.h"

enum { COLUMNS = WR_WF_COUNT + WR_FRAME_NEIGHBOUR_COLUMNS };

static const wr_aggregate_input SHAPE = {.ld = WR_FEATURE_BASE,
                                         .columns = WR_FEATURE_BASE,
                                         .two_hop = WR_FEATURE_BASE_TWO_HOP};

/* Written by fill alone, once. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static wr_frame_column table[COLUMNS];
static char neighbour_name[WR_FRAME_NEIGHBOUR_COLUMNS][WR_BOOSTER_NAME_MAX];
static uint16_t of_labels[WR_WF_COUNT];
static uint32_t of_labels_count;

static wr_frame_group group_of(const wr_feature *f)
{
    return f->group == WR_FEATURE_EXPOSURE    ? WR_FRAME_EXPOSURES
           : f->group == WR_FEATURE_STRUCTURE ? WR_FRAME_STRUCTURE
           : f->group == WR_FEATURE_MOTIF     ? WR_FRAME_MOTIFS
                                              : WR_FRAME_BEHAVIOUR;
}

static void fill_own(void)
{
    for (uint32_t c = 0; c < WR_WF_COUNT; c++) {
        const wr_feature *f = wr_feature_at(WR_FEATURE_WALLET, c);
        table[c] =
            (wr_frame_column){.name = f->name, .group = group_of(f), .sign = f->sign};
        if (wr_frame_is_of_labels(c))
            of_labels[of_labels_count++] = (uint16_t)c;
    }
}

static void fill_neighbours(void)
{
    assert(wr_aggregate_columns(&SHAPE) == WR_FRAME_NEIGHBOUR_COLUMNS);
    for (uint32_t k = 0; k < WR_FRAME_NEIGHBOUR_COLUMNS; k++) {
        const wr_aggregate_part p = wr_aggregate_part_at(&SHAPE, k);
        const uint32_t base = wr_feature_base()[p.column];
        (void)snprintf(neighbour_name[k], sizeof neighbour_name[k], "%s_%s_%s",
                       wr_aggregate_hop_name(p.hop), wr_aggregate_stat_name(p.stat),
                       wr_feature_at(WR_FEATURE_WALLET, base)->name);
        table[WR_WF_COUNT + k] =
            (wr_frame_column){.name = neighbour_name[k], .group = WR_FRAME_NEIGHBOURS};
    }
}

static void fill(void)
{
    fill_own();
    fill_neighbours();
}

const char *wr_frame_group_name(wr_frame_group g)
{
    switch (g) {
    case WR_FRAME_BEHAVIOUR:
        return "behaviour";
    case WR_FRAME_STRUCTURE:
        return "structure";
    case WR_FRAME_EXPOSURES:
        return "exposures";
    case WR_FRAME_NEIGHBOURS:
        return "neighbours";
    case WR_FRAME_MOTIFS:
        return "motifs";
    case WR_FRAME_ALL:
        break;
    }
    return "all";
}

uint32_t wr_frame_columns(void)
{
    return COLUMNS;
}

const wr_frame_column *wr_frame_column_at(uint32_t at)
{
    assert(at < COLUMNS);
    (void)pthread_once(&once, fill);
    return &table[at];
}

wr_status wr_frame_columns_of(uint32_t **column, const wr_learned *l, wr_err *err)
{
    const char *const *name = NULL;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), &name);
    const uint32_t all = wr_frame_columns();
    WR_AUTO_ARRAY uint32_t *at = wr_calloc(n, sizeof *at);
    if (!at)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " columns", n);
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) { /* both stand in the frame's order */
        while (k < all && strcmp(wr_frame_column_at(k)->name, name[i]) != 0)
            k++;
        if (k == all)
            return wr_fail(err, WR_ECONFLICT,
                           "model %s wants column '%s', which this program does not "
                           "have, or not at that place",
                           wr_learned_id(l), name[i]);
        at[i] = k++;
    }
    *column = WR_STEAL(at);
    return WR_OK;
}

bool wr_frame_is_of_labels(uint32_t column)
{
    switch (column) {
    case WR_WF_OUT_SERVICE:
    case WR_WF_OUT_MIXER:
    case WR_WF_OUT_BRIDGE:
    case WR_WF_OUT_DEX:
    case WR_WF_IN_SERVICE:
    case WR_WF_IN_MIXER:
    case WR_WF_IN_BRIDGE:
    case WR_WF_IN_DEX:
    case WR_WF_CLUSTERING: /* services are left out */
    case WR_WF_COMPONENT:
    case WR_WF_CORE:
        return true;
    default:
        return wr_feature_at(WR_FEATURE_WALLET, column)->group == WR_FEATURE_EXPOSURE;
    }
}

const uint16_t *wr_frame_of_labels(uint32_t *count)
{
    (void)pthread_once(&once, fill);
    *count = of_labels_count;
    return of_labels;
}

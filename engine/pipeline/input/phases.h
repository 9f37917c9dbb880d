/*
 * phases.h - how long each part of a job took; goes into the run record.
 *
 * Times are for people; they never enter a digest.  Thread: one object one thread.
 */
#ifndef WR_PIPELINE_INPUT_PHASES_H
#define WR_PIPELINE_INPUT_PHASES_H

#include <stdint.h>

#include "util/clock.h"
#include "util/json_out.h"

enum { WR_PHASES_MAX = 24 };

typedef struct wr_phases {
    int64_t mark_us; /* when the phase under way began */
    uint32_t count;
    struct {
        const char *name; /* static text */
        int64_t us;
    } item[WR_PHASES_MAX];
} wr_phases;

static inline wr_phases wr_phases_begin(void)
{
    return (wr_phases){.mark_us = wr_clock_mono_us()};
}

/* The time since the last call (or begin) was spent on `name`. */
static inline void wr_phases_end(wr_phases *p, const char *name)
{
    int64_t now = wr_clock_mono_us();
    if (p->count < WR_PHASES_MAX) {
        p->item[p->count].name = name;
        p->item[p->count++].us = now - p->mark_us;
    }
    p->mark_us = now;
}

/* [ { "name": …, "seconds": … } ] */
static inline void wr_phases_json(const wr_phases *p, wr_json_out *j)
{
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < p->count; i++) {
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "name", p->item[i].name);
        wr_json_key(j, "seconds");
        wr_json_fixed(j, (double)p->item[i].us / 1e6, 3);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

#endif

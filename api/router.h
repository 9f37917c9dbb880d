/*
 * router.h - path and method to route.
 *
 * Patterns are cut at '/': a segment is literal or "{name}".  Path segments are compared
 * as they were sent; parameters are percent-decoded afterwards, so "%2F" inside one is
 * part of it and never a separator.  Literal segments win over parameters by their order
 * in the table.  Thread: safe, the table is constant.
 */
#ifndef WR_API_ROUTER_H
#define WR_API_ROUTER_H

#include "api/exchange.h"

/* The table, in routes.c. */
const wr_route *wr_routes(void);
uint32_t wr_route_count(void);

typedef struct wr_match {
    const wr_route *route;          /* NULL when path or method is unknown */
    bool is_path_known;             /* some method of this path exists: 405, not 404 */
    char allow[32];                 /* without a route: for the Allow header */
    wr_text raw[WR_PATH_PARAM_MAX]; /* of the path, still encoded */
    uint32_t raw_count;
} wr_match;

/* table [n] */
void wr_router_match(wr_match *out, const wr_route *table, uint32_t n, const char *method,
                     const char *path);

/*
 * Percent-decode into the arena; is_plus turns '+' into a blank (query strings).
 * Errors  WR_EPARSE (half an escape, a control character), WR_ENOMEM
 */
wr_status wr_percent_decode(wr_text *out, wr_arena *arena, wr_text raw, bool is_plus,
                            wr_err *err) WR_NODISCARD;

#endif

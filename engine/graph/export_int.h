/*
 * export_int.h - a document checked and made safe, so that the writers only write;
 * graph/.
 *
 * Own columns and the caller's stand in one list per kind.  Texts are clean (see
 * export.h) and NUL-terminated where they are not absent; doubles are finite or NaN.
 */
#ifndef WR_GRAPH_EXPORT_INT_H
#define WR_GRAPH_EXPORT_INT_H

#include "graph/export.h"
#include "util/arena.h"

enum { WR_DOC_ID = 0, WR_DOC_LABEL = 1 }; /* places in node */

typedef struct wr_columns_list {
    wr_attr *col; /* [count] */
    size_t count;
    uint64_t rows;
} wr_columns_list;

typedef struct wr_doc {
    const wr_subgraph *sub;
    wr_columns_list graph, node, edge;
    wr_arena arena; /* everything above */
} wr_doc;

/* Errors  WR_EINVAL, WR_ENOMEM as in export.h */
wr_status wr_doc_init(wr_doc *d, const wr_export_doc *x, wr_err *err) WR_NODISCARD;
void wr_doc_release(wr_doc *d); /* safe on a zeroed struct */
#define WR_AUTO_DOC(d) __attribute__((cleanup(wr_doc_release))) wr_doc d = {0}

static inline wr_text wr_doc_id(const wr_doc *d, uint32_t node)
{
    return d->node.col[WR_DOC_ID].text[node];
}

/* Shortest decimal text that reads back as x (finite). */
enum { WR_DOUBLE_TEXT_MAX = 32 };
void wr_double_text(char out[WR_DOUBLE_TEXT_MAX], double x);

/*
 * End of a writer that has appended since out->len was `len0`: its own status, the
 * buffer's; on failure the buffer is as it was.
 */
wr_status wr_doc_finish(wr_buf *out, size_t len0, wr_status s, const char *what,
                        wr_err *err) WR_NODISCARD;

#endif

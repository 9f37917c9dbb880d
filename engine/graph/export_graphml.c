/*
 * GraphML through igraph: the only file that knows igraph.
 *
 * igraph in Debian is built without thread-local state (IGRAPH_THREAD_SAFE 0): its error
 * stack, error handler and attribute table are one per process.  Every call therefore
 * happens under one lock, from here.  Whoever adds another igraph call outside this file
 * must take the same lock.
 */
#include <assert.h>
#include <igraph.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "graph/export_int.h"

static pthread_mutex_t igraph_lock = PTHREAD_MUTEX_INITIALIZER;

static wr_status igraph_failed(igraph_error_t code, const char *what, wr_err *err)
{
    return wr_fail(err, code == IGRAPH_ENOMEM ? WR_ENOMEM : WR_EINVAL, "graphml: %s: %s",
                   what, igraph_strerror(code));
}

/* --- columns ---------------------------------------------------------------------- */

typedef enum part { PART_NODE, PART_EDGE } part;

static igraph_error_t set_texts(igraph_t *ig, part p, const wr_attr *c, uint64_t rows)
{
    igraph_strvector_t v;
    igraph_error_t s = igraph_strvector_init(&v, (igraph_integer_t)rows);
    if (s != IGRAPH_SUCCESS)
        return s;
    for (uint64_t i = 0; i < rows && s == IGRAPH_SUCCESS; i++)
        s = igraph_strvector_set(&v, (igraph_integer_t)i,
                                 c->text[i].p ? c->text[i].p : "");
    if (s == IGRAPH_SUCCESS)
        s = p == PART_NODE ? igraph_cattribute_VAS_setv(ig, c->name, &v)
                           : igraph_cattribute_EAS_setv(ig, c->name, &v);
    igraph_strvector_destroy(&v);
    return s;
}

/*
 * What survives igraph's 15 digits and the readers that take ERANGE for an error (igraph
 * is one): no subnormal number, none that rounds up to infinity.  NaN stays: the writer
 * leaves the value out.
 */
static double writable(double x)
{
    static const double top = 1.79769313486231e+308;
    if (fpclassify(x) == FP_SUBNORMAL)
        return 0.0;
    return x > top ? top : x < -top ? -top : x;
}

static igraph_error_t set_numbers(igraph_t *ig, part p, const wr_attr *c, uint64_t rows)
{
    igraph_vector_t v;
    igraph_error_t s = igraph_vector_init(&v, (igraph_integer_t)rows);
    if (s != IGRAPH_SUCCESS)
        return s;
    for (uint64_t i = 0; i < rows; i++)
        VECTOR(v)[i] = writable(c->number[i]);
    s = p == PART_NODE ? igraph_cattribute_VAN_setv(ig, c->name, &v)
                       : igraph_cattribute_EAN_setv(ig, c->name, &v);
    igraph_vector_destroy(&v);
    return s;
}

static igraph_error_t set_flags(igraph_t *ig, part p, const wr_attr *c, uint64_t rows)
{
    igraph_vector_bool_t v;
    igraph_error_t s = igraph_vector_bool_init(&v, (igraph_integer_t)rows);
    if (s != IGRAPH_SUCCESS)
        return s;
    for (uint64_t i = 0; i < rows; i++)
        VECTOR(v)[i] = c->flag[i];
    s = p == PART_NODE ? igraph_cattribute_VAB_setv(ig, c->name, &v)
                       : igraph_cattribute_EAB_setv(ig, c->name, &v);
    igraph_vector_bool_destroy(&v);
    return s;
}

static igraph_error_t set_column(igraph_t *ig, part p, const wr_attr *c, uint64_t rows)
{
    switch (c->type) {
    case WR_ATTR_TEXT:
    case WR_ATTR_INTEGER:
        return set_texts(ig, p, c, rows);
    case WR_ATTR_DOUBLE:
        return set_numbers(ig, p, c, rows);
    case WR_ATTR_BOOL:
        break;
    }
    return set_flags(ig, p, c, rows);
}

static igraph_error_t set_of_graph(igraph_t *ig, const wr_attr *c)
{
    switch (c->type) {
    case WR_ATTR_TEXT:
    case WR_ATTR_INTEGER:
        return igraph_cattribute_GAS_set(ig, c->name, c->text[0].p ? c->text[0].p : "");
    case WR_ATTR_DOUBLE:
        return igraph_cattribute_GAN_set(ig, c->name, writable(c->number[0]));
    case WR_ATTR_BOOL:
        break;
    }
    return igraph_cattribute_GAB_set(ig, c->name, c->flag[0]);
}

static wr_status set_columns(igraph_t *ig, const wr_doc *d, wr_err *err)
{
    igraph_error_t s = IGRAPH_SUCCESS;
    for (size_t k = 0; k < d->graph.count && s == IGRAPH_SUCCESS; k++)
        s = set_of_graph(ig, &d->graph.col[k]);
    for (size_t k = 0; k < d->node.count && s == IGRAPH_SUCCESS; k++)
        s = set_column(ig, PART_NODE, &d->node.col[k], d->node.rows);
    for (size_t k = 0; k < d->edge.count && s == IGRAPH_SUCCESS; k++)
        s = set_column(ig, PART_EDGE, &d->edge.col[k], d->edge.rows);
    return s == IGRAPH_SUCCESS ? WR_OK : igraph_failed(s, "columns", err);
}

/* --- graph and file ---------------------------------------------------------------- */

static wr_status create(igraph_t *ig, const wr_subgraph *sub, wr_err *err)
{
    igraph_vector_int_t ends;
    igraph_error_t s = igraph_vector_int_init(&ends, (igraph_integer_t)(2 * sub->m));
    if (s != IGRAPH_SUCCESS)
        return igraph_failed(s, "edges", err);
    for (uint64_t i = 0; i < sub->m; i++) {
        VECTOR(ends)[2 * i] = sub->edge[i].from;
        VECTOR(ends)[2 * i + 1] = sub->edge[i].to;
    }
    s = igraph_create(ig, &ends, sub->n, IGRAPH_DIRECTED);
    igraph_vector_int_destroy(&ends);
    return s == IGRAPH_SUCCESS ? WR_OK : igraph_failed(s, "graph", err);
}

/* stdio into a wr_buf, so that its maximum holds while igraph writes. */
static ssize_t write_to_buf(void *cookie, const char *bytes, size_t len)
{
    wr_buf *out = cookie;
    wr_buf_add(out, bytes, len);
    return out->status == WR_OK ? (ssize_t)len : 0; /* 0 = error, as fopencookie has it */
}

static wr_status write_out(wr_buf *out, const igraph_t *ig, wr_err *err)
{
    FILE *f = fopencookie(out, "w", (cookie_io_functions_t){.write = write_to_buf});
    if (!f)
        return wr_fail(err, WR_ENOMEM, "graphml: stream");
    const igraph_error_t s = igraph_write_graph_graphml(ig, f, true);
    const int closed = fclose(f);
    if (out->status != WR_OK)
        return WR_OK; /* the buffer says why, see wr_doc_finish */
    if (s != IGRAPH_SUCCESS)
        return igraph_failed(s, "write", err);
    return closed == 0 ? WR_OK : wr_fail(err, WR_ENOMEM, "graphml: stream");
}

static wr_status write_locked(wr_buf *out, const wr_doc *d, wr_err *err)
{
    igraph_set_error_handler(igraph_error_handler_ignore); /* the default aborts */
    igraph_set_warning_handler(igraph_warning_handler_ignore);
    igraph_set_attribute_table(&igraph_cattribute_table);
    igraph_t ig;
    WR_TRY(create(&ig, d->sub, err));
    wr_status s = set_columns(&ig, d, err);
    if (s == WR_OK)
        s = write_out(out, &ig, err);
    igraph_destroy(&ig);
    return s;
}

wr_status wr_export_graphml(wr_buf *out, const wr_export_doc *x, wr_err *err)
{
    assert(out && x);
    WR_AUTO_DOC(d);
    WR_TRY(wr_doc_init(&d, x, err));
    const size_t len0 = out->len;
    (void)pthread_mutex_lock(&igraph_lock);
    const wr_status s = write_locked(out, &d, err);
    (void)pthread_mutex_unlock(&igraph_lock);
    return wr_doc_finish(out, len0, s, "GraphML export", err);
}

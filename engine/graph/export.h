/*
 * export.h - a subgraph in the formats that investigators' tools read.
 *
 *   GraphML  NetworkX, Gephi, yEd, Cytoscape, igraph; written by igraph
 *   GEXF     1.3, Gephi; edges (and nodes that say first_seen/last_seen) carry their
 * times CSV      entities.csv and links.csv for an i2 import specification JSON     {
 * "graph": {}, "nodes": [ {} ], "edges": [ {} ] }
 *
 * What every format carries by itself; the caller adds columns (label, score, level, …):
 *   graph    is_truncated (bool)
 *   node     id (CAIP-10 "chain:address"; "v<vertex>" without an id map), network
 * (CAIP-2,
 *            "" without), hop (double), is_hub (bool)
 *   edge     value (double); at pair level tx_count (double), first_seen, last_seen (ISO
 *            8601 text, UTC); at transfer level timestamp (the same form)
 * CSV columns stand in this order: entities "id", "label", then network, hop, is_hub,
 * then the caller's; links "source", "target" (the ids), then the edge columns above,
 * then the caller's.  A caller's "label" takes its place; without one the id is the
 * label.
 *
 * Text is made safe once, for all formats: invalid UTF-8, control characters (other than
 * tab, line feed, carriage return), U+FFFE, U+FFFF become U+FFFD.  In CSV a text cell
 * that starts with = + - @, tab or carriage return gets a leading ' so that no
 * spreadsheet runs it (entity ids never do).
 *
 * Numbers that may not fit a double (amounts in wei) travel as text: WR_ATTR_INTEGER.
 * Every function appends a whole document to `out`, or leaves it as it was.
 * Thread: safe; GraphML takes a process-wide lock (igraph in Debian is not thread-safe).
 */
#ifndef WR_GRAPH_EXPORT_H
#define WR_GRAPH_EXPORT_H

#include "graph/subgraph.h"
#include "util/buf.h"

enum { WR_ATTR_NAME_MAX = 64 };

typedef enum wr_attr_type {
    WR_ATTR_TEXT,    /* text: absent = {NULL, 0} */
    WR_ATTR_INTEGER, /* text of decimal digits, any length; a string in every format */
    WR_ATTR_DOUBLE,  /* number: absent = NaN; infinities are WR_EINVAL */
    WR_ATTR_BOOL,    /* flag: 0, 1, absent = -1 */
} wr_attr_type;

/* One column; the array that its type names has a value per row, the others are NULL. */
typedef struct wr_attr {
    const char *name; /* [A-Za-z_][A-Za-z0-9_.-]{0,63}, not one of the names above */
    wr_attr_type type;
    const wr_text *text;
    const double *number;
    const int8_t *flag;
} wr_attr;

typedef struct wr_export_doc {
    const wr_snapshot *g;
    const wr_subgraph *sub;
    const wr_attr *graph_attr; /* [graph_attrs], one row: provenance */
    const wr_attr *node_attr;  /* [node_attrs], sub->n rows */
    const wr_attr *edge_attr;  /* [edge_attrs], sub->m rows */
    size_t graph_attrs, node_attrs, edge_attrs;
} wr_export_doc;

/*
 * Errors  WR_EINVAL (a name not as above or used twice, an infinite number, an integer
 *         that is none: names the column), WR_ELIMIT (over the maximum of `out`),
 *         WR_ENOMEM
 */
wr_status wr_export_graphml(wr_buf *out, const wr_export_doc *x,
                            wr_err *err) WR_NODISCARD;
wr_status wr_export_gexf(wr_buf *out, const wr_export_doc *x, wr_err *err) WR_NODISCARD;
wr_status wr_export_csv_nodes(wr_buf *out, const wr_export_doc *x,
                              wr_err *err) WR_NODISCARD;
wr_status wr_export_csv_edges(wr_buf *out, const wr_export_doc *x,
                              wr_err *err) WR_NODISCARD;
wr_status wr_export_json(wr_buf *out, const wr_export_doc *x, wr_err *err) WR_NODISCARD;

#endif

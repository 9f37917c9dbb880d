/*
 * export.h - a subgraph in the formats that investigators' tools read.
 *
 *   GraphML  NetworkX, Gephi, yEd, Cytoscape, igraph; written by igraph, which gives
 *            doubles 15 significant digits (subnormal ones are written as 0)
 *   GEXF     1.2draft (Gephi, and NetworkX of Debian 12); edges carry their times, so
 * that Gephi shows a time axis; graph columns stand in the description CSV entities.csv
 * and links.csv for an i2 import specification (RFC 4180); no graph columns JSON     {
 * directed, multigraph, graph: {}, nodes: [ {} ], edges: [ {} ] }
 *
 * What every format carries by itself; the caller adds columns (score, level, tx_hash,
 * …): graph    is_truncated (bool) node     id (CAIP-10 "chain:address"; "v<vertex>"
 * without an id map), label (= id, unless the caller has a column of that name), network
 * (CAIP-2, "" without), hop (double), is_hub (bool) edge     value (double, at most
 * DBL_MAX); at pair level tx_count (double), first_seen, last_seen (ISO 8601 text, UTC);
 * at transfer level timestamp in this order, the caller's columns behind in his order.
 * Edges of JSON and links.csv begin with source and target: the ids of their ends.
 *
 * Text is made safe once, for all formats: tab, line feed and carriage return become a
 * blank; other control characters, U+FFFE, U+FFFF and whatever is not UTF-8 become
 * U+FFFD. In CSV a text cell that starts with = + - @ gets a leading ' so that no
 * spreadsheet runs it.
 *
 * Numbers that may not fit a double (amounts in wei) travel as text: WR_ATTR_INTEGER.
 * An absent value is left out in GraphML and GEXF ("" for a text in GraphML), an empty
 * cell in CSV, null in JSON.
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
    WR_ATTR_INTEGER, /* text of an optional - and decimal digits; a string everywhere */
    WR_ATTR_DOUBLE,  /* number: absent = NaN; infinities are WR_EINVAL */
    WR_ATTR_BOOL,    /* flag: never absent */
} wr_attr_type;

/* One column; the array that its type names has a value per row, the others are NULL. */
typedef struct wr_attr {
    const char *name; /* [A-Za-z_][A-Za-z0-9_.-]{0,63}, not one of the names above */
    wr_attr_type type;
    const wr_text *text;
    const double *number;
    const bool *flag;
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

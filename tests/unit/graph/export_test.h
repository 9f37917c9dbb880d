/* export_test.h - one hostile document, shared by the tests of the export formats. */
#ifndef WR_TESTS_EXPORT_TEST_H
#define WR_TESTS_EXPORT_TEST_H

#include <math.h>

#include "graph/export.h"
#include "graph_test.h"

enum { SAMPLE_NODES = 24, LONG_NAME = 10000 };

/* What labels in tag lists look like when somebody means harm. */
static const char *const hostile[] = {
    "plain",
    "",
    "say \"hi\"",
    "a<b>&amp;</data>",
    "it's ]]> here",
    "=1+cmd|' /C calc'!A0",
    "+1",
    "-2",
    "@SUM(A1)",
    "tab\there",
    "line\r\nbreak",
    "\x01\x02 bell \x07 esc \x1b[31m",
    "emoji \xF0\x9F\x98\x80 \xE4\xB8\xAD",
    "cut \xF0\x9F\x98",
    "\xFF\xFE bytes",
    "\xC3\x28 bad pair",
    "\xED\xA0\x80 surrogate",
    "nonchar \xEF\xBF\xBF\xEF\xBF\xBE",
    "c1 \xC2\x85 next",
    "del \x7F",
    ",;",
    " padded ",
    "\xEF\xBB\xBF bom",
};
enum { HOSTILES = sizeof hostile / sizeof *hostile };

typedef struct sample {
    wr_snapshot *g;
    wr_subgraph sub;
    wr_attr graph_attr[2], node_attr[4], edge_attr[3];
    wr_text label[SAMPLE_NODES], amount[SAMPLE_NODES], run_id, sources;
    double score[SAMPLE_NODES];
    bool is_labelled[SAMPLE_NODES];
    wr_text tx_hash[256], asset[256];
    double confidence[256];
    char long_name[LONG_NAME];
    char hash_text[256][72];
    wr_export_doc doc;
} sample;

/* Label of node i; the last one but one has a NUL inside, the last is long. */
static wr_text hostile_label(sample *x, uint32_t i)
{
    static const char nul[] = "before\0after";
    if (i < HOSTILES - 1)
        return wr_text_of(hostile[i]);
    if (i == HOSTILES - 1)
        return (wr_text){.p = nul, .len = sizeof nul - 1};
    for (size_t k = 0; k < LONG_NAME; k++)
        x->long_name[k] = "<\"&'=x"[k % 6];
    return (wr_text){.p = x->long_name, .len = LONG_NAME};
}

static void fill_columns(sample *x)
{
    for (uint32_t i = 0; i < x->sub.n; i++) {
        x->label[i] = hostile_label(x, x->sub.node[i].v);
        x->amount[i] = i % 5 == 4
                           ? (wr_text){0}
                           : WR_TEXT_LIT("340282366920938463463374607431768211455");
        x->score[i] = i % 7 == 6 ? (double)NAN : 1.0 / (i + 1);
        x->is_labelled[i] = i % 2;
    }
    assert_in_range(x->sub.m, 30, 256);
    for (uint32_t i = 0; i < x->sub.m; i++) {
        (void)snprintf(x->hash_text[i], sizeof x->hash_text[i], "%064" PRIx32, i);
        x->tx_hash[i] = wr_text_of(x->hash_text[i]);
        x->asset[i] = i % 3 ? WR_TEXT_LIT("ETH") : WR_TEXT_LIT("=HYPERLINK(\"x\")");
        x->confidence[i] = 100.0 * i;
    }
    x->run_id = WR_TEXT_LIT("r20261120T161200Z-0a1b2c3d");
    x->sources = WR_TEXT_LIT("ofac <2026>; \"tag\npack\"");
}

/* 24 wallets around a hub; `ids` hub_every 11: vertices 0, 11 and 22 are hubs. */
__attribute__((unused)) static void sample_init(sample *x, bool is_transfer_level)
{
    *x = (sample){0};
    wr_rng r = {.s = 12};
    wr_edges e;
    random_rows(&e, &r, &(rows_shape){.n = SAMPLE_NODES, .m = 100, .times = 1000000});
    for (uint64_t i = 0; i < e.m; i++)
        e.value[i] = i % 10 ? e.value[i] : 1e17 / 3.0;
    assert_ok(
        wr_snapshot_build(&x->g, &e, numbered_ids(SAMPLE_NODES, 11), 0, NULL, &err));
    wr_vid seed[SAMPLE_NODES];
    for (wr_vid v = 0; v < SAMPLE_NODES; v++)
        seed[v] = v;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = seed;
    q.seeds = SAMPLE_NODES;
    q.is_transfer_level = is_transfer_level;
    assert_ok(wr_subgraph_extract(&x->sub, x->g, &q, &err));
    assert_int_equal(x->sub.n, SAMPLE_NODES);
    fill_columns(x);
    x->graph_attr[0] =
        (wr_attr){.name = "run_id", .type = WR_ATTR_TEXT, .text = &x->run_id};
    x->graph_attr[1] =
        (wr_attr){.name = "label_sources", .type = WR_ATTR_TEXT, .text = &x->sources};
    x->node_attr[0] =
        (wr_attr){.name = "score", .type = WR_ATTR_DOUBLE, .number = x->score};
    x->node_attr[1] = (wr_attr){.name = "label", .type = WR_ATTR_TEXT, .text = x->label};
    x->node_attr[2] =
        (wr_attr){.name = "in_amount", .type = WR_ATTR_INTEGER, .text = x->amount};
    x->node_attr[3] =
        (wr_attr){.name = "is_labelled", .type = WR_ATTR_BOOL, .flag = x->is_labelled};
    x->edge_attr[0] =
        (wr_attr){.name = "tx_hash", .type = WR_ATTR_TEXT, .text = x->tx_hash};
    x->edge_attr[1] = (wr_attr){.name = "asset", .type = WR_ATTR_TEXT, .text = x->asset};
    x->edge_attr[2] =
        (wr_attr){.name = "confidence", .type = WR_ATTR_DOUBLE, .number = x->confidence};
    x->doc = (wr_export_doc){.g = x->g,
                             .sub = &x->sub,
                             .graph_attr = x->graph_attr,
                             .node_attr = x->node_attr,
                             .edge_attr = x->edge_attr,
                             .graph_attrs = 2,
                             .node_attrs = 4,
                             .edge_attrs = 3};
}

__attribute__((unused)) static void sample_release(sample *x)
{
    wr_subgraph_release(&x->sub);
    wr_snapshot_unref(x->g);
}

#endif

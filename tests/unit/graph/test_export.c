/*
 * The formats by eye on two nodes, their refusals, and GraphML read back by igraph node
 * by node.  NetworkX and the csv module read the same documents in
 * tests/integration/check_exports.py.
 */
#include <float.h>
#include <igraph.h>
#include <pthread.h>

#include "export_test.h"

typedef wr_status writer(wr_buf *out, const wr_export_doc *x, wr_err *err);

static const struct {
    const char *name;
    writer *write;
} format[] = {
    {"graphml", wr_export_graphml},     {"gexf", wr_export_gexf},
    {"csv nodes", wr_export_csv_nodes}, {"csv edges", wr_export_csv_edges},
    {"json", wr_export_json},
};
enum { FORMATS = sizeof format / sizeof *format };

/* --- two nodes by eye ------------------------------------------------------------- */

typedef struct tiny {
    wr_snapshot *g;
    wr_subgraph sub;
    wr_export_doc doc;
} tiny;

static void tiny_init(tiny *t, uint32_t hops, bool is_transfer_level)
{
    *t = (tiny){0};
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 0.1, 1);
    push_row(&e, 0, 1, 1600086400, 2.5, 2);
    assert_ok(wr_snapshot_build(&t->g, &e, numbered_ids(2, 0), 0, NULL, &err));
    const wr_vid seed = 0;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    q.hops_max = hops;
    q.is_transfer_level = is_transfer_level;
    assert_ok(wr_subgraph_extract(&t->sub, t->g, &q, &err));
    t->doc = (wr_export_doc){.g = t->g, .sub = &t->sub};
}

static void tiny_release(tiny *t)
{
    wr_subgraph_release(&t->sub);
    wr_snapshot_unref(t->g);
}

static void check_text(writer *write, const wr_export_doc *doc, const char *want)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_buf_adds(&b, "kept,"); /* a document is appended */
    assert_ok(write(&b, doc, &err));
    assert_memory_equal(b.p, "kept,", 5);
    assert_string_equal(b.p + 5, want);
    wr_buf_release(&b);
}

static void test_csv__by_eye(void **state)
{
    (void)state;
    tiny t;
    tiny_init(&t, 1, false);
    const wr_text name[] = {WR_TEXT_LIT("=2+5, \"x\""), {0}};
    const double score[] = {72.4, (double)NAN};
    const wr_attr node_attr[] = {
        {.name = "score", .type = WR_ATTR_DOUBLE, .number = score},
        {.name = "label", .type = WR_ATTR_TEXT, .text = name}};
    t.doc.node_attr = node_attr;
    t.doc.node_attrs = 2;
    check_text(wr_export_csv_nodes, &t.doc,
               "id,label,network,hop,is_hub,score\r\n"
               "opaque:test:w0,\"'=2+5, \"\"x\"\"\",opaque:test,0,false,72.4\r\n"
               "opaque:test:w1,,opaque:test,1,false,\r\n");
    check_text(wr_export_csv_edges, &t.doc,
               "source,target,value,tx_count,first_seen,last_seen\r\n"
               "opaque:test:w0,opaque:test:w1,2.6,2,2020-09-13T12:26:40Z,"
               "2020-09-14T12:26:40Z\r\n");
    tiny_release(&t);
    tiny_init(&t, 1, true);
    check_text(wr_export_csv_edges, &t.doc,
               "source,target,value,timestamp\r\n"
               "opaque:test:w0,opaque:test:w1,0.1,2020-09-13T12:26:40Z\r\n"
               "opaque:test:w0,opaque:test:w1,2.5,2020-09-14T12:26:40Z\r\n");
    tiny_release(&t);
}

static void test_json__by_eye(void **state)
{
    (void)state;
    tiny t;
    tiny_init(&t, 1, false);
    const wr_text amount[] = {WR_TEXT_LIT("-12345678901234567890123"), {0}};
    const bool flag[] = {true, false};
    const wr_attr node_attr[] = {
        {.name = "amount", .type = WR_ATTR_INTEGER, .text = amount},
        {.name = "is_x", .type = WR_ATTR_BOOL, .flag = flag}};
    t.doc.node_attr = node_attr;
    t.doc.node_attrs = 2;
    check_text(
        wr_export_json, &t.doc,
        "{\"directed\":true,\"multigraph\":false,\"graph\":{\"is_truncated\":false},"
        "\"nodes\":[{\"id\":\"opaque:test:w0\",\"label\":\"opaque:test:w0\","
        "\"network\":\"opaque:test\",\"hop\":0,\"is_hub\":false,"
        "\"amount\":\"-12345678901234567890123\",\"is_x\":true},"
        "{\"id\":\"opaque:test:w1\",\"label\":\"opaque:test:w1\","
        "\"network\":\"opaque:test\",\"hop\":1,\"is_hub\":false,"
        "\"amount\":null,\"is_x\":false}],"
        "\"edges\":[{\"source\":\"opaque:test:w0\",\"target\":\"opaque:test:w1\","
        "\"value\":2.6,\"tx_count\":2,\"first_seen\":\"2020-09-13T12:26:40Z\","
        "\"last_seen\":\"2020-09-14T12:26:40Z\"}]}");
    tiny_release(&t);
}

static void test_gexf__by_eye(void **state)
{
    (void)state;
    tiny t;
    tiny_init(&t, 0, false); /* one node, no edge */
    const wr_text run = WR_TEXT_LIT("a<b");
    const wr_attr graph_attr = {.name = "run_id", .type = WR_ATTR_TEXT, .text = &run};
    t.doc.graph_attr = &graph_attr;
    t.doc.graph_attrs = 1;
    check_text(
        wr_export_gexf, &t.doc,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<gexf xmlns=\"http://www.gexf.net/1.2draft\" version=\"1.2\">\n"
        "  <meta>\n    <creator>walletrisk</creator>\n"
        "    <description>is_truncated=false\nrun_id=a&lt;b</description>\n"
        "  </meta>\n"
        "  <graph defaultedgetype=\"directed\" mode=\"dynamic\" timeformat=\"date\">\n"
        "    <attributes class=\"node\">\n"
        "      <attribute id=\"n0\" title=\"id\" type=\"string\"/>\n"
        "      <attribute id=\"n1\" title=\"label\" type=\"string\"/>\n"
        "      <attribute id=\"n2\" title=\"network\" type=\"string\"/>\n"
        "      <attribute id=\"n3\" title=\"hop\" type=\"double\"/>\n"
        "      <attribute id=\"n4\" title=\"is_hub\" type=\"boolean\"/>\n"
        "    </attributes>\n"
        "    <attributes class=\"edge\">\n"
        "      <attribute id=\"e0\" title=\"value\" type=\"double\"/>\n"
        "      <attribute id=\"e1\" title=\"tx_count\" type=\"double\"/>\n"
        "      <attribute id=\"e2\" title=\"first_seen\" type=\"string\"/>\n"
        "      <attribute id=\"e3\" title=\"last_seen\" type=\"string\"/>\n"
        "    </attributes>\n"
        "    <nodes>\n"
        "      <node id=\"opaque:test:w0\" label=\"opaque:test:w0\">\n"
        "        <attvalues>\n"
        "          <attvalue for=\"n0\" value=\"opaque:test:w0\"/>\n"
        "          <attvalue for=\"n1\" value=\"opaque:test:w0\"/>\n"
        "          <attvalue for=\"n2\" value=\"opaque:test\"/>\n"
        "          <attvalue for=\"n3\" value=\"0\"/>\n"
        "          <attvalue for=\"n4\" value=\"false\"/>\n"
        "        </attvalues>\n"
        "      </node>\n"
        "    </nodes>\n"
        "    <edges>\n"
        "    </edges>\n"
        "  </graph>\n"
        "</gexf>\n");
    tiny_release(&t);
}

static void read_back(igraph_t *ig, const wr_buf *b)
{
    igraph_set_error_handler(igraph_error_handler_ignore);
    igraph_set_warning_handler(igraph_warning_handler_ignore);
    FILE *f = fmemopen(b->p, b->len, "r");
    assert_non_null(f);
    assert_int_equal(igraph_read_graph_graphml(ig, f, 0), IGRAPH_SUCCESS);
    (void)fclose(f);
}

static void test_export__without_ids_and_with_a_sum_beyond_double(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 1.7e308, 1);
    push_row(&e, 0, 1, 1600000000, 1.7e308, 2);
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, 2, NULL, &err));
    const wr_vid seed = 1;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    wr_subgraph sub = {0};
    assert_ok(wr_subgraph_extract(&sub, g, &q, &err));
    const wr_export_doc doc = {.g = g, .sub = &sub};
    check_text(wr_export_csv_nodes, &doc,
               "id,label,network,hop,is_hub\r\nv1,v1,,0,false\r\nv0,v0,,1,false\r\n");
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    assert_ok(wr_export_csv_edges(&b, &doc, &err));
    assert_non_null(strstr(b.p, "v0,v1,1.7976931348623157e+308,2,"));
    wr_buf_clear(&b);
    assert_ok(wr_export_graphml(&b, &doc, &err));
    igraph_t ig;
    read_back(&ig, &b);
    assert_true(EAN(&ig, "value", 0) > 1.79e308 && !isinf(EAN(&ig, "value", 0)));
    assert_string_equal(VAS(&ig, "id", 0), "v1");
    igraph_destroy(&ig);
    wr_buf_release(&b);
    wr_subgraph_release(&sub);
}

/* --- GraphML read back by igraph --------------------------------------------------- */

static void check_node(const igraph_t *ig, igraph_integer_t i, const sample *x)
{
    const wr_vid v = x->sub.node[i].v;
    char id[100];
    (void)snprintf(id, sizeof id, "opaque:test:%.*s",
                   WR_TEXT_ARG(wr_ids_address(wr_snapshot_ids(x->g), v)));
    assert_string_equal(VAS(ig, "id", i), id);
    assert_string_equal(VAS(ig, "network", i), "opaque:test");
    assert_true(VAN(ig, "hop", i) == 0.0);
    assert_int_equal(VAB(ig, "is_hub", i), v % 11 == 0);
    assert_int_equal(VAB(ig, "is_labelled", i), x->is_labelled[i]);
    assert_string_equal(VAS(ig, "in_amount", i), x->amount[i].p ? x->amount[i].p : "");
    const double score = VAN(ig, "score", i);
    if (isnan(x->score[i]))
        assert_true(isnan(score));
    else
        assert_true(fabs(score - x->score[i]) <= 1e-14 * x->score[i]);
}

static void check_edge(const igraph_t *ig, igraph_integer_t i, const sample *x)
{
    const wr_subgraph_edge *e = &x->sub.edge[i];
    assert_int_equal(IGRAPH_FROM(ig, i), e->from);
    assert_int_equal(IGRAPH_TO(ig, i), e->to);
    assert_string_equal(EAS(ig, "tx_hash", i), x->tx_hash[i].p);
    assert_string_equal(EAS(ig, "asset", i), x->asset[i].p);
    assert_true(fabs(EAN(ig, "value", i) - e->value) <= 1e-14 * e->value + DBL_MIN);
    assert_true(EAN(ig, "confidence", i) == x->confidence[i]);
}

/* Labels by eye: what each hostile one must have become. */
static const char *const cleaned[] = {
    "plain",
    "",
    "say \"hi\"",
    "a<b>&amp;</data>",
    "it's ]]> here",
    "=1+cmd|' /C calc'!A0",
    "+1",
    "-2",
    "@SUM(A1)",
    "tab here",
    "line  break",
    "\xEF\xBF\xBD\xEF\xBF\xBD bell \xEF\xBF\xBD esc \xEF\xBF\xBD[31m",
    "emoji \xF0\x9F\x98\x80 \xE4\xB8\xAD",
    "cut \xEF\xBF\xBD",
    "\xEF\xBF\xBD\xEF\xBF\xBD bytes",
    "\xEF\xBF\xBD( bad pair",
    "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD surrogate",
    "nonchar \xEF\xBF\xBD\xEF\xBF\xBD",
    "c1 \xEF\xBF\xBD next",
    "del \xEF\xBF\xBD",
    ",;",
    " padded ",
    ("before\xEF\xBF\xBD"
     "after"),
};
_Static_assert(sizeof cleaned / sizeof *cleaned == HOSTILES, "one for each");

static void test_graphml__igraph_reads_every_node_and_edge(void **state)
{
    (void)state;
    for (int level = 0; level < 2; level++) {
        static sample x;
        sample_init(&x, level);
        wr_buf b;
        wr_buf_init(&b, 1 << 24);
        assert_ok(wr_export_graphml(&b, &x.doc, &err));
        igraph_t ig;
        read_back(&ig, &b);
        assert_true(igraph_is_directed(&ig));
        assert_int_equal(igraph_vcount(&ig), x.sub.n);
        assert_int_equal(igraph_ecount(&ig), x.sub.m);
        assert_string_equal(GAS(&ig, "run_id"), x.run_id.p);
        assert_false(GAB(&ig, "is_truncated"));
        for (igraph_integer_t i = 0; i < igraph_vcount(&ig); i++) {
            check_node(&ig, i, &x);
            const wr_vid v = x.sub.node[i].v;
            if (v < HOSTILES)
                assert_string_equal(VAS(&ig, "label", i), cleaned[v]);
            else
                assert_int_equal(strlen(VAS(&ig, "label", i)), LONG_NAME);
        }
        for (igraph_integer_t i = 0; i < igraph_ecount(&ig); i++)
            check_edge(&ig, i, &x);
        igraph_destroy(&ig);
        wr_buf_release(&b);
        sample_release(&x);
    }
}

/* Types and names as consumers need them: on every key, in the file itself. */
static void test_graphml__keys_are_typed(void **state)
{
    (void)state;
    static sample x;
    sample_init(&x, false);
    wr_buf b;
    wr_buf_init(&b, 1 << 24);
    assert_ok(wr_export_graphml(&b, &x.doc, &err));
    static const char *const key[] = {
        "for=\"graph\" attr.name=\"is_truncated\" attr.type=\"boolean\"",
        "for=\"graph\" attr.name=\"run_id\" attr.type=\"string\"",
        "for=\"node\" attr.name=\"id\" attr.type=\"string\"",
        "for=\"node\" attr.name=\"hop\" attr.type=\"double\"",
        "for=\"node\" attr.name=\"in_amount\" attr.type=\"string\"",
        "for=\"node\" attr.name=\"is_hub\" attr.type=\"boolean\"",
        "for=\"edge\" attr.name=\"value\" attr.type=\"double\"",
        "for=\"edge\" attr.name=\"first_seen\" attr.type=\"string\"",
    };
    for (size_t k = 0; k < sizeof key / sizeof *key; k++)
        if (!strstr(b.p, key[k]))
            fail_msg("no key %s", key[k]);
    wr_buf_release(&b);
    sample_release(&x);
}

/* --- refusals ---------------------------------------------------------------------- */

static void refuse_everywhere(wr_status want, const char *msg, const wr_export_doc *doc)
{
    for (int k = 0; k < FORMATS; k++) {
        wr_buf b;
        wr_buf_init(&b, 1 << 24);
        wr_buf_adds(&b, "before");
        wr_err fault = {0};
        const wr_status s = format[k].write(&b, doc, &fault);
        if (s != want || strcmp(fault.msg, msg) != 0)
            fail_msg("%s: %s '%s'", format[k].name, wr_status_name(s), fault.msg);
        assert_string_equal(b.p, "before");
        assert_int_equal(b.status, WR_OK);
        wr_buf_release(&b);
    }
}

static void refuse_node_column(const char *msg, wr_export_doc doc, wr_attr c)
{
    wr_attr both[] = {
        {.name = "mine", .type = WR_ATTR_BOOL, .flag = (const bool[]){1, 0}}, c};
    doc.node_attr = both;
    doc.node_attrs = 2;
    refuse_everywhere(WR_EINVAL, msg, &doc);
}

static void test_export__refuses_bad_columns_by_name(void **state)
{
    (void)state;
    tiny t;
    tiny_init(&t, 1, false);
    const double number[] = {1.0, (double)-INFINITY};
    const wr_text text[] = {WR_TEXT_LIT("12"), WR_TEXT_LIT("1e5")};
    const bool flag[] = {true, false};
    wr_attr c = {.name = "x", .type = WR_ATTR_DOUBLE, .number = number};
    refuse_node_column("column 'x' row 1: infinite", t.doc, c);
    c = (wr_attr){.name = "x", .type = WR_ATTR_INTEGER, .text = text};
    refuse_node_column("column 'x' row 1: '1e5' is no integer", t.doc, c);
    c = (wr_attr){.name = "mine", .type = WR_ATTR_BOOL, .flag = flag};
    refuse_node_column("column 'mine' twice", t.doc, c);
    c.name = "hop";
    refuse_node_column("column 'hop' twice", t.doc, c);
    c.name = "source";
    refuse_node_column("column 'source' twice", t.doc, c);
    c.name = "label";
    refuse_node_column("column 'label' is no text", t.doc, c);
    c.name = "a b";
    refuse_node_column("column 'a b': not a name", t.doc, c);
    c.name = "1a";
    refuse_node_column("column '1a': not a name", t.doc, c);
    c.name = "";
    refuse_node_column("column '': not a name", t.doc, c);
    c.name = "x\"><script>";
    refuse_node_column("column 'x\"><script>': not a name", t.doc, c);
    tiny_release(&t);
}

static void test_export__over_the_limit_nothing_is_half_written(void **state)
{
    (void)state;
    static sample x;
    sample_init(&x, false);
    for (int k = 0; k < FORMATS; k++) {
        wr_buf whole;
        wr_buf_init(&whole, 1 << 24);
        assert_ok(format[k].write(&whole, &x.doc, &err));
        const size_t cut[] = {0, 10, whole.len / 2, whole.len - 1};
        for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
            wr_buf b;
            wr_buf_init(&b, cut[i] + 3);
            wr_buf_adds(&b, "old");
            assert_err(WR_ELIMIT, format[k].write(&b, &x.doc, &err));
            assert_string_equal(wr_buf_cstr(&b), "old");
            assert_int_equal(b.len, 3);
            wr_buf_release(&b);
        }
        wr_buf_release(&whole);
    }
    sample_release(&x);
}

static wr_status write_and_drop(writer *write, const wr_export_doc *doc, wr_err *fault)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 24);
    const wr_status s = write(&b, doc, fault);
    wr_buf_release(&b);
    return s;
}

static void test_export__out_of_memory(void **state)
{
    (void)state;
    static sample x;
    sample_init(&x, true);
    for (int k = 0; k < FORMATS; k++)
        assert_oom_safe(write_and_drop(format[k].write, &x.doc, &err));
    sample_release(&x);
}

/* --- many at a time ------------------------------------------------------------------
 */

typedef struct job {
    const wr_export_doc *doc;
    const wr_buf *want;
    int bad;
} job;

static void *export_again_and_again(void *arg)
{
    job *j = arg;
    for (int k = 0; k < 30; k++) {
        wr_buf b;
        wr_buf_init(&b, 1 << 24);
        if (wr_export_graphml(&b, j->doc, NULL) != WR_OK || b.len != j->want->len ||
            memcmp(b.p, j->want->p, b.len) != 0)
            j->bad++;
        wr_buf_release(&b);
    }
    return NULL;
}

static void test_graphml__four_threads_at_once(void **state)
{
    (void)state;
    static sample x;
    sample_init(&x, false);
    wr_buf want;
    wr_buf_init(&want, 1 << 24);
    assert_ok(wr_export_graphml(&want, &x.doc, &err));
    enum { THREADS = 4 };
    pthread_t t[THREADS];
    job j[THREADS];
    for (int i = 0; i < THREADS; i++) {
        j[i] = (job){.doc = &x.doc, .want = &want};
        assert_int_equal(pthread_create(&t[i], NULL, export_again_and_again, &j[i]), 0);
    }
    int bad = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        bad += j[i].bad;
    }
    wr_buf_release(&want);
    sample_release(&x);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_csv__by_eye),
        wr_unit_test(test_json__by_eye),
        wr_unit_test(test_gexf__by_eye),
        wr_unit_test(test_export__without_ids_and_with_a_sum_beyond_double),
        wr_unit_test(test_graphml__igraph_reads_every_node_and_edge),
        wr_unit_test(test_graphml__keys_are_typed),
        wr_unit_test(test_export__refuses_bad_columns_by_name),
        wr_unit_test(test_export__over_the_limit_nothing_is_half_written),
        wr_unit_test(test_export__out_of_memory),
        wr_unit_test(test_graphml__four_threads_at_once),
    };
    return cmocka_run_group_tests_name("graph/export", tests, NULL, NULL);
}

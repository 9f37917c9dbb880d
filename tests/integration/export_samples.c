/*
 * Writes one hostile document in every format, and what went into it, for
 * check_exports.py:  export_samples FOLDER pair|transfer
 *
 * expected.json is made here, by jansson, from the inputs (labels as hex of their raw
 * bytes), not by the code under test.
 */
#include <jansson.h>

#include "../unit/graph/export_test.h"

static json_t *hex_of(wr_text t)
{
    wr_buf b;
    wr_buf_init(&b, SIZE_MAX / 2);
    for (uint32_t i = 0; i < t.len; i++)
        wr_buf_addf(&b, "%02x", (unsigned char)t.p[i]);
    json_t *s = json_string(wr_buf_cstr(&b));
    wr_buf_release(&b);
    return s;
}

static json_t *text_of(wr_text t)
{
    return t.p ? json_stringn(t.p, t.len) : json_null();
}

static char *id_text(char out[128], const sample *x, uint32_t node)
{
    const wr_ids *ids = wr_snapshot_ids(x->g);
    const wr_text a = wr_ids_address(ids, x->sub.node[node].v);
    (void)snprintf(out, 128, "opaque:test:%.*s", WR_TEXT_ARG(a));
    return out;
}

static json_t *expected_nodes(const sample *x)
{
    json_t *nodes = json_array();
    char id[128];
    for (uint32_t i = 0; i < x->sub.n; i++) {
        json_t *o = json_object();
        (void)json_object_set_new(o, "id", json_string(id_text(id, x, i)));
        (void)json_object_set_new(o, "label_hex", hex_of(x->label[i]));
        (void)json_object_set_new(o, "network", json_string("opaque:test"));
        (void)json_object_set_new(o, "hop", json_real(x->sub.node[i].hop));
        (void)json_object_set_new(o, "is_hub", json_boolean(x->sub.node[i].v % 11 == 0));
        (void)json_object_set_new(
            o, "score", isnan(x->score[i]) ? json_null() : json_real(x->score[i]));
        (void)json_object_set_new(o, "in_amount", text_of(x->amount[i]));
        (void)json_object_set_new(o, "is_labelled", json_boolean(x->is_labelled[i]));
        (void)json_array_append_new(nodes, o);
    }
    return nodes;
}

static json_t *expected_edges(const sample *x)
{
    json_t *edges = json_array();
    char id[128];
    for (uint32_t i = 0; i < x->sub.m; i++) {
        const wr_subgraph_edge *e = &x->sub.edge[i];
        json_t *o = json_object();
        (void)json_object_set_new(o, "source", json_string(id_text(id, x, e->from)));
        (void)json_object_set_new(o, "target", json_string(id_text(id, x, e->to)));
        (void)json_object_set_new(o, "value", json_real(e->value));
        (void)json_object_set_new(o, "tx_count", json_real(e->count));
        (void)json_object_set_new(o, "first_s", json_integer(e->first_s));
        (void)json_object_set_new(o, "last_s", json_integer(e->last_s));
        (void)json_object_set_new(o, "tx_hash", text_of(x->tx_hash[i]));
        (void)json_object_set_new(o, "asset", text_of(x->asset[i]));
        (void)json_object_set_new(o, "confidence", json_real(x->confidence[i]));
        (void)json_array_append_new(edges, o);
    }
    return edges;
}

static void write_file(const char *folder, const char *name, const char *p, size_t len)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void write_expected(const char *folder, const sample *x)
{
    json_t *all = json_pack("{s:o, s:o, s:b, s:s}", "nodes", expected_nodes(x), "edges",
                            expected_edges(x), "is_transfer_level",
                            (int)x->sub.is_transfer_level, "run_id", x->run_id.p);
    assert_non_null(all);
    char *text = json_dumps(all, JSON_REAL_PRECISION(17));
    assert_non_null(text);
    write_file(folder, "expected.json", text, strlen(text));
    free(text);
    json_decref(all);
}

typedef wr_status writer(wr_buf *out, const wr_export_doc *x, wr_err *err);

static const char *folder;
static bool is_transfer_level;

static void write_everything(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        writer *write;
    } format[] = {
        {"sample.graphml", wr_export_graphml}, {"sample.gexf", wr_export_gexf},
        {"entities.csv", wr_export_csv_nodes}, {"links.csv", wr_export_csv_edges},
        {"sample.json", wr_export_json},
    };
    static sample x;
    sample_init(&x, is_transfer_level);
    for (size_t k = 0; k < sizeof format / sizeof *format; k++) {
        wr_buf b;
        wr_buf_init(&b, SIZE_MAX / 2);
        assert_ok(format[k].write(&b, &x.doc, &err));
        write_file(folder, format[k].name, b.p, b.len);
        wr_buf_release(&b);
    }
    write_expected(folder, &x);
    sample_release(&x);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: export_samples FOLDER pair|transfer\n");
        return 2;
    }
    folder = argv[1];
    is_transfer_level = strcmp(argv[2], "transfer") == 0;
    const struct CMUnitTest tests[] = {wr_unit_test(write_everything)};
    return cmocka_run_group_tests_name("export samples", tests, NULL, NULL);
}

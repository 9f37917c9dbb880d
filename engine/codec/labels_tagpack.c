/* GraphSense TagPack YAML: header values are inherited by every tag. */
#include "codec/labels_int.h"
#include "codec/yaml_doc.h"

/* A scalar of the tag, else of the header; absent when neither has it. */
static wr_text inherited(wr_yaml_node header, wr_yaml_node tag, const char *key)
{
    wr_text t = {0};
    wr_yaml_node n = wr_yaml_get(tag, key);
    if (!wr_yaml_has(n))
        n = wr_yaml_get(header, key);
    if (wr_yaml_has(n) && wr_yaml_count(n) == 0 &&
        wr_yaml_text(&t, n, key, NULL) != WR_OK)
        t = (wr_text){0};
    return wr_label_trim(t);
}

/* abuse says more than category, category more than the first known concept. */
static wr_text category_of(const wr_taxonomy *tx, wr_yaml_node header, wr_yaml_node tag)
{
    static const char *const keys[] = {"abuse", "category"};
    wr_text first = {0};
    for (size_t i = 0; i < 2; i++) {
        wr_text t = inherited(header, tag, keys[i]);
        if (t.len && wr_taxonomy_find(tx, t) >= 0)
            return t;
        first = first.len ? first : t;
    }
    wr_yaml_node list = wr_yaml_get(tag, "concepts");
    if (!wr_yaml_has(list))
        list = wr_yaml_get(header, "concepts");
    for (size_t i = 0; i < wr_yaml_count(list); i++) {
        wr_text t = {0};
        if (wr_yaml_text(&t, wr_yaml_item(list, i), "concepts", NULL) == WR_OK &&
            wr_taxonomy_find(tx, t) >= 0)
            return t;
        first = first.len ? first : t;
    }
    return first;
}

static wr_status offer_tag(wr_label_gate *g, wr_yaml_node header, wr_yaml_node tag,
                           wr_text source, wr_err *err)
{
    wr_text network = inherited(header, tag, "network");
    const wr_raw_label raw = {
        .line = wr_yaml_line(tag),
        .address = inherited(header, tag, "address"),
        .chain = network.len ? network : inherited(header, tag, "currency"),
        .category = category_of(g->o->taxonomy, header, tag),
        .confidence = inherited(header, tag, "confidence"),
        .source = source,
        .uri = inherited(header, tag, "source"),
        .actor = inherited(header, tag, "actor"),
        .name = inherited(header, tag, "label"),
        .valid_from = inherited(header, tag, "valid_from"),
        .valid_to = inherited(header, tag, "valid_to"),
    };
    if (!raw.address.len && inherited(header, tag, "tx_hash").len) {
        wr_label_report(g, WR_LABEL_BAD_FIELD, raw.line,
                        "a tag of a transaction, not of an address");
        return WR_OK;
    }
    return wr_label_gate_offer(g, &raw, err);
}

wr_status wr_labels_read_tagpack(wr_label_gate *g, const char *name, wr_text bytes,
                                 wr_err *err)
{
    WR_AUTO(wr_yaml_doc) d = NULL;
    WR_TRY(wr_yaml_parse(&d, name, bytes.p, bytes.len, err));
    wr_yaml_node header = wr_yaml_root(d);
    wr_yaml_node tags = wr_yaml_get(header, "tags");
    if (!wr_yaml_has(tags))
        return wr_yaml_fail(header, err, "no 'tags': not a TagPack");
    wr_text source;
    WR_TRY(wr_labels_source(&source, g, "graphsense:", wr_labels_base_name(name), err));
    for (size_t i = 0; i < wr_yaml_count(tags); i++) {
        const wr_yaml_node tag = wr_yaml_item(tags, i);
        if (!wr_yaml_has(tag))
            return wr_yaml_fail(tags, err, "'tags' must be a list");
        WR_TRY(offer_tag(g, header, tag, source, err));
    }
    return WR_OK;
}

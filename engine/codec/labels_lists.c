/* Label lists that are bare addresses or JSON: OFAC mirrors, Etherscan label dumps. */
#include <string.h>

#include <jansson.h>

#include "codec/labels_int.h"

/* --- OFAC ------------------------------------------------------------------------------
 */

typedef struct ofac {
    wr_label_gate *g;
    wr_text chain, source, category;
} ofac;

static wr_status ofac_of(ofac *o, wr_label_gate *g, const char *name, wr_err *err)
{
    o->g = g;
    o->chain = g->o->chain.len ? g->o->chain : wr_labels_chain_of_name(name);
    o->category = g->o->category.len ? g->o->category : WR_TEXT_LIT("sanctions");
    return wr_labels_source(&o->source, g, "ofac:", wr_labels_base_name(name), err);
}

static wr_status offer_address(const ofac *o, wr_text address, uint64_t line, wr_err *err)
{
    const wr_raw_label raw = {.line = line,
                              .address = address,
                              .chain = o->chain,
                              .category = o->category,
                              .source = o->source};
    return wr_label_gate_offer(o->g, &raw, err);
}

wr_status wr_labels_read_ofac_txt(wr_label_gate *g, const char *name, wr_text bytes,
                                  wr_err *err)
{
    ofac o;
    WR_TRY(ofac_of(&o, g, name, err));
    const char *p = bytes.p;
    const char *end = p + bytes.len;
    for (uint64_t line = 1; p < end; line++) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        eol = eol ? eol : end;
        wr_text t = wr_label_trim((wr_text){p, (uint32_t)(eol - p)});
        if (t.len && t.p[0] != '#')
            WR_TRY(offer_address(&o, t, line, err));
        p = eol + (eol < end);
    }
    return WR_OK;
}

static wr_status load_json(json_t **out, const char *name, wr_text bytes, wr_err *err)
{
    json_error_t at;
    *out = json_loadb(bytes.p ? bytes.p : "", bytes.len, JSON_REJECT_DUPLICATES, &at);
    return *out ? WR_OK
                : wr_fail(err, WR_EPARSE, "%s: line %d: %s", name, at.line, at.text);
}

static wr_status offer_array(const ofac *o, const char *name, const json_t *list,
                             wr_err *err)
{
    if (!json_is_array(list))
        return wr_fail(err, WR_EPARSE, "%s: expected an array of addresses", name);
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) {
            wr_label_report(o->g, WR_LABEL_BAD_FIELD, i + 1, "entry %zu is no text",
                            i + 1);
            continue;
        }
        const wr_text t = {json_string_value(item), (uint32_t)json_string_length(item)};
        WR_TRY(offer_address(o, wr_label_trim(t), i + 1, err));
    }
    return WR_OK;
}

wr_status wr_labels_read_ofac_json(wr_label_gate *g, const char *name, wr_text bytes,
                                   wr_err *err)
{
    ofac o;
    WR_TRY(ofac_of(&o, g, name, err));
    json_t *list = NULL;
    WR_TRY(load_json(&list, name, bytes, err));
    wr_status s = offer_array(&o, name, list, err);
    json_decref(list);
    return s;
}

/* --- Etherscan -------------------------------------------------------------------------
 */

typedef struct explorer {
    wr_label_gate *g;
    wr_text chain, source;
} explorer;

/* "etherscan_combinedAllLabels.json" -> ETH, bscscan -> BSC, polygonscan -> POL. */
static wr_text chain_of_explorer(const char *name)
{
    static const struct {
        const char *part, *chain;
    } table[] = {{"bscscan", "BSC"},
                 {"polygonscan", "POL"},
                 {"arbiscan", "ARB"},
                 {"optimis", "eip155:10"},
                 {"etherscan", "ETH"}};
    const wr_text base = wr_labels_base_name(name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (memmem(base.p, base.len, table[i].part, strlen(table[i].part)))
            return wr_text_of(table[i].chain);
    return (wr_text){0};
}

static wr_text string_of(const json_t *v)
{
    return json_is_string(v)
               ? (wr_text){json_string_value(v), (uint32_t)json_string_length(v)}
               : (wr_text){0};
}

/* One label per category that the words mean; an entry none of whose words means one is
   one issue. */
static wr_status offer_entry(explorer *x, const char *address, const json_t *entry,
                             uint64_t line, wr_err *err)
{
    const json_t *words = json_object_get(entry, "labels");
    uint32_t used = 0; /* bit c = category c was offered */
    size_t i;
    const json_t *word;
    wr_raw_label raw = {.line = line,
                        .address = wr_text_of(address),
                        .chain = x->chain,
                        .source = x->source,
                        .name = string_of(json_object_get(entry, "name"))};
    wr_text first = {0};
    json_array_foreach(words, i, word)
    {
        raw.category = string_of(word);
        first = first.len ? first : raw.category;
        int c = raw.category.len ? wr_taxonomy_find(x->g->o->taxonomy, raw.category) : -1;
        if (c < 0 || used >> c & 1u)
            continue;
        used |= 1u << c;
        WR_TRY(wr_label_gate_offer(x->g, &raw, err));
    }
    if (!used) {
        raw.category = first;
        return wr_label_gate_offer(x->g, &raw, err);
    }
    return WR_OK;
}

static wr_status offer_object(explorer *x, const char *name, json_t *object, wr_err *err)
{
    if (!json_is_object(object))
        return wr_fail(err, WR_EPARSE, "%s: expected an object of addresses", name);
    const char *address;
    json_t *entry;
    uint64_t line = 0;
    json_object_foreach(object, address, entry)
        WR_TRY(offer_entry(x, address, entry, ++line, err));
    return WR_OK;
}

wr_status wr_labels_read_etherscan(wr_label_gate *g, const char *name, wr_text bytes,
                                   wr_err *err)
{
    explorer x = {.g = g,
                  .chain = g->o->chain.len ? g->o->chain : chain_of_explorer(name)};
    WR_TRY(wr_labels_source(&x.source, g, "etherscan:", wr_labels_base_name(name), err));
    json_t *object = NULL;
    WR_TRY(load_json(&object, name, bytes, err));
    wr_status s = offer_object(&x, name, object, err);
    json_decref(object);
    return s;
}

#include "codec/settings_yaml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/yaml_doc.h"

static wr_status copy_text(char *out, size_t cap, wr_yaml_node n, const char *what,
                           wr_err *err)
{
    wr_text t = {0};
    WR_TRY(wr_yaml_text(&t, n, what, err));
    if (t.len == 0 || t.len >= cap)
        return wr_yaml_fail(n, err, "%s: '%.*s' must have 1..%zu bytes", what,
                            WR_TEXT_ARG(t), cap - 1);
    (void)snprintf(out, cap, "%.*s", WR_TEXT_ARG(t));
    return WR_OK;
}

/* Index of `word` in names[count], or -1. */
static int index_of(const char *const names[], int count, wr_text word)
{
    for (int i = 0; i < count; i++)
        if (wr_text_eq(word, wr_text_of(names[i])))
            return i;
    return -1;
}

/* --- categories --------------------------------------------------------------------- */

static wr_status add_word(wr_taxonomy *tx, uint8_t category, wr_yaml_node n, wr_err *err)
{
    wr_text t = {0};
    WR_TRY(wr_yaml_text(&t, n, "words", err));
    if (tx->concept_count == WR_CONCEPT_MAX)
        return wr_yaml_fail(n, err, "more than %d words", WR_CONCEPT_MAX);
    if (t.len == 0 || t.len >= sizeof tx->concept[0].word)
        return wr_yaml_fail(n, err, "word '%.*s' must have 1..%zu bytes", WR_TEXT_ARG(t),
                            sizeof tx->concept[0].word - 1);
    char *word = tx->concept[tx->concept_count].word;
    for (uint32_t i = 0; i < t.len; i++)
        word[i] = (char)tolower((unsigned char)t.p[i]);
    word[t.len] = '\0';
    for (uint32_t i = 0; i < tx->concept_count; i++)
        if (strcmp(tx->concept[i].word, word) == 0)
            return wr_yaml_fail(n, err, "word '%s' stands twice", word);
    tx->concept[tx->concept_count++].category = category;
    return WR_OK;
}

static wr_status read_category(wr_taxonomy *tx, wr_yaml_node n, wr_err *err)
{
    static const char *const keys[] = {"id",   "name",  "kind", "weight",
                                       "rho0", "words", NULL};
    static const char *const kinds[] = {"illicit", "risky", "service"};
    if (tx->count == WR_CATEGORY_MAX)
        return wr_yaml_fail(n, err, "more than %d categories", WR_CATEGORY_MAX);
    WR_TRY(wr_yaml_only(n, keys, err));
    wr_category *c = &tx->category[tx->count];
    WR_TRY(copy_text(c->id, sizeof c->id, wr_yaml_get(n, "id"), "id", err));
    for (uint32_t i = 0; i < tx->count; i++)
        if (strcmp(tx->category[i].id, c->id) == 0)
            return wr_yaml_fail(n, err, "category '%s' stands twice", c->id);
    WR_TRY(copy_text(c->name, sizeof c->name, wr_yaml_get(n, "name"), "name", err));
    wr_text kind = {0};
    WR_TRY(wr_yaml_text(&kind, wr_yaml_get(n, "kind"), "kind", err));
    int k = index_of(kinds, 3, kind);
    if (k < 0)
        return wr_yaml_fail(n, err, "kind '%.*s' is none of illicit, risky, service",
                            WR_TEXT_ARG(kind));
    c->kind = (wr_category_kind)k;
    c->rho0 = 1.0;
    bool has_weight = wr_yaml_has(wr_yaml_get(n, "weight"));
    if (c->kind == WR_CATEGORY_SERVICE && has_weight)
        return wr_yaml_fail(n, err, "'%s': a service has no weight", c->id);
    if (c->kind != WR_CATEGORY_SERVICE) {
        WR_TRY(wr_yaml_number(&c->weight, wr_yaml_get(n, "weight"), "weight", 0, 1, err));
        WR_TRY(wr_yaml_number(&c->rho0, wr_yaml_get(n, "rho0"), "rho0", 1e-6, 1, err));
    }
    wr_yaml_node words = wr_yaml_get(n, "words");
    for (size_t i = 0; i < wr_yaml_count(words); i++)
        WR_TRY(add_word(tx, (uint8_t)tx->count, wr_yaml_item(words, i), err));
    tx->count++;
    return WR_OK;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(a, b); /* the word is the first member of a concept */
}

wr_status wr_taxonomy_from_yaml(wr_taxonomy *out, const char *name, const char *text,
                                size_t len, wr_err *err)
{
    static const char *const keys[] = {"categories", NULL};
    WR_AUTO(wr_yaml_doc) d = NULL;
    WR_TRY(wr_yaml_parse(&d, name, text, len, err));
    wr_yaml_node root = wr_yaml_root(d);
    WR_TRY(wr_yaml_only(root, keys, err));
    wr_yaml_node list = wr_yaml_get(root, "categories");
    if (wr_yaml_count(list) == 0)
        return wr_yaml_fail(root, err, "'categories' is empty");
    WR_AUTO_ARRAY wr_taxonomy *tx = wr_calloc(1, sizeof *tx);
    if (!tx)
        return wr_fail(err, WR_ENOMEM, "%s: taxonomy", name);
    for (size_t i = 0; i < wr_yaml_count(list); i++)
        WR_TRY(read_category(tx, wr_yaml_item(list, i), err));
    qsort(tx->concept, tx->concept_count, sizeof tx->concept[0], by_word);
    *out = *tx;
    return WR_OK;
}

/* --- policy ------------------------------------------------------------------------- */

static wr_status read_levels(wr_policy *p, wr_yaml_node n, wr_err *err)
{
    static const char *const keys[] = {"medium", "high", "severe", NULL};
    WR_TRY(wr_yaml_only(n, keys, err));
    p->level_min[WR_LEVEL_LOW] = 0.0;
    for (int l = WR_LEVEL_MEDIUM; l < WR_LEVEL_COUNT; l++) {
        const char *key = wr_level_name((wr_level)l);
        double v = 0;
        WR_TRY(wr_yaml_number(&v, wr_yaml_get(n, key), key, 0, 100, err));
        p->level_min[l] = v / 100.0;
        if (p->level_min[l] <= p->level_min[l - 1])
            return wr_yaml_fail(n, err, "level '%s' must begin above the one before",
                                key);
    }
    return WR_OK;
}

static wr_status read_floor_categories(wr_floor *f, const wr_taxonomy *tx,
                                       wr_yaml_node list, wr_yaml_node at, wr_err *err)
{
    for (size_t i = 0; i < wr_yaml_count(list); i++) {
        wr_text t = {0};
        WR_TRY(wr_yaml_text(&t, wr_yaml_item(list, i), "categories", err));
        int c = wr_taxonomy_find(tx, t);
        if (c < 0)
            return wr_yaml_fail(list, err, "unknown category '%.*s'", WR_TEXT_ARG(t));
        f->categories |= 1u << c;
    }
    return f->categories ? WR_OK : wr_yaml_fail(at, err, "'%s' names no category", f->id);
}

static wr_status read_floor_directions(wr_floor *f, wr_yaml_node list, wr_yaml_node at,
                                       wr_err *err)
{
    static const char *const names[] = {"receiving", "sending"};
    for (size_t i = 0; i < wr_yaml_count(list); i++) {
        wr_text t = {0};
        WR_TRY(wr_yaml_text(&t, wr_yaml_item(list, i), "directions", err));
        int d = index_of(names, 2, t);
        if (d < 0)
            return wr_yaml_fail(list, err,
                                "direction '%.*s' is none of receiving, sending",
                                WR_TEXT_ARG(t));
        f->directions |= 1u << d;
    }
    return f->directions ? WR_OK
                         : wr_yaml_fail(at, err, "'%s' names no direction", f->id);
}

static wr_status read_optional(double *out, wr_yaml_node n, const char *what, double hi,
                               wr_err *err)
{
    *out = -1.0;
    return wr_yaml_has(n) ? wr_yaml_number(out, n, what, 0, hi, err) : WR_OK;
}

static wr_status read_floor(wr_policy *p, const wr_taxonomy *tx, wr_yaml_node n,
                            wr_err *err)
{
    static const char *const keys[] = {"id",        "categories", "directions", "contact",
                                       "min_share", "min_value",  "floor",      NULL};
    static const char *const contacts[] = {"direct", "indirect", "any"};
    if (p->floor_count == WR_FLOOR_MAX)
        return wr_yaml_fail(n, err, "more than %d floors", WR_FLOOR_MAX);
    WR_TRY(wr_yaml_only(n, keys, err));
    wr_floor *f = &p->floor[p->floor_count];
    WR_TRY(copy_text(f->id, sizeof f->id, wr_yaml_get(n, "id"), "id", err));
    for (uint32_t i = 0; i < p->floor_count; i++)
        if (strcmp(p->floor[i].id, f->id) == 0)
            return wr_yaml_fail(n, err, "floor '%s' stands twice", f->id);
    WR_TRY(read_floor_categories(f, tx, wr_yaml_get(n, "categories"), n, err));
    WR_TRY(read_floor_directions(f, wr_yaml_get(n, "directions"), n, err));
    wr_text t = {0};
    WR_TRY(wr_yaml_text(&t, wr_yaml_get(n, "contact"), "contact", err));
    int contact = index_of(contacts, 3, t);
    if (contact < 0)
        return wr_yaml_fail(n, err, "contact '%.*s' is none of direct, indirect, any",
                            WR_TEXT_ARG(t));
    f->contact = (wr_floor_contact)contact;
    WR_TRY(
        read_optional(&f->min_share, wr_yaml_get(n, "min_share"), "min_share", 1, err));
    WR_TRY(read_optional(&f->min_value, wr_yaml_get(n, "min_value"), "min_value", 1e300,
                         err));
    if (f->min_share < 0 && f->min_value < 0)
        return wr_yaml_fail(n, err, "'%s' needs min_share or min_value", f->id);
    double floor = 0;
    WR_TRY(wr_yaml_number(&floor, wr_yaml_get(n, "floor"), "floor", 0, 100, err));
    f->floor = floor / 100.0;
    p->floor_count++;
    return WR_OK;
}

wr_status wr_policy_from_yaml(wr_policy *out, const wr_taxonomy *tx, const char *name,
                              const char *text, size_t len, wr_err *err)
{
    /* 'typologies' is read by pipeline/input/typology_policy.c, which knows their
     * options. */
    static const char *const keys[] = {"levels", "sending_weight", "floors", "typologies",
                                       NULL};
    WR_AUTO(wr_yaml_doc) d = NULL;
    WR_TRY(wr_yaml_parse(&d, name, text, len, err));
    wr_yaml_node root = wr_yaml_root(d);
    WR_TRY(wr_yaml_only(root, keys, err));
    WR_AUTO_ARRAY wr_policy *p = wr_calloc(1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%s: policy", name);
    wr_yaml_node levels = wr_yaml_get(root, "levels");
    if (!wr_yaml_has(levels))
        return wr_yaml_fail(root, err, "'levels' is missing");
    WR_TRY(read_levels(p, levels, err));
    WR_TRY(wr_yaml_number(&p->sending_weight, wr_yaml_get(root, "sending_weight"),
                          "sending_weight", 0, 1, err));
    wr_yaml_node floors = wr_yaml_get(root, "floors");
    for (size_t i = 0; i < wr_yaml_count(floors); i++)
        WR_TRY(read_floor(p, tx, wr_yaml_item(floors, i), err));
    *out = *p;
    return WR_OK;
}

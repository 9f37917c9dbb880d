#include "codec/labels.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codec/input.h"
#include "codec/labels_int.h"
#include "model/amount.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/digest.h"

enum { LIST_MAX_BYTES = 1 << 30, QUOTE_MAX = 60 };

/* --- names -----------------------------------------------------------------------------
 */

static const char *const format_name[] = {
    "auto", "csv", "graphsense", "tagpack", "ofac-txt", "ofac-json", "etherscan"};
_Static_assert(sizeof format_name / sizeof *format_name == WR_LABELS_FORMAT_COUNT,
               "every format has a name");

static const char *const issue_name[] = {"unknown category", "no category",
                                         "invalid address",  "unknown chain",
                                         "bad field",        "repeated"};
_Static_assert(sizeof issue_name / sizeof *issue_name == WR_LABEL_ISSUE_COUNT,
               "every issue has a name");

const char *wr_labels_format_name(wr_labels_format f)
{
    return (unsigned)f < WR_LABELS_FORMAT_COUNT ? format_name[f] : "unknown";
}

wr_status wr_labels_format_parse(wr_labels_format *out, wr_text t, wr_err *err)
{
    for (int f = 0; f < WR_LABELS_FORMAT_COUNT; f++)
        if (wr_text_eq(t, wr_text_of(format_name[f]))) {
            *out = (wr_labels_format)f;
            return WR_OK;
        }
    return wr_fail(
        err, WR_EINVAL,
        "label format '%s' is none of auto, csv, graphsense, tagpack, ofac-txt, "
        "ofac-json, etherscan",
        wr_text_quote(t, QUOTE_MAX).s);
}

const char *wr_label_issue_name(wr_label_issue_kind k)
{
    return (unsigned)k < WR_LABEL_ISSUE_COUNT ? issue_name[k] : "unknown";
}

static bool ends_with(wr_text t, const char *tail)
{
    const size_t n = strlen(tail);
    return t.len >= n && memcmp(t.p + t.len - n, tail, n) == 0;
}

wr_text wr_labels_base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    wr_text t = wr_text_of(slash ? slash + 1 : name);
    if (ends_with(t, ".gz"))
        t.len -= 3;
    else if (ends_with(t, ".zst"))
        t.len -= 4;
    return t;
}

wr_text wr_labels_chain_of_name(const char *name)
{
    const wr_text base = wr_labels_base_name(name);
    const char *bar = memrchr(base.p, '_', base.len);
    if (!bar)
        return (wr_text){0};
    return (wr_text){.p = bar + 1, .len = (uint32_t)strcspn(bar + 1, ".")};
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

wr_text wr_label_trim(wr_text t)
{
    while (t.len && t.p[0] && is_blank(t.p[0])) {
        t.p++;
        t.len--;
    }
    while (t.len && t.p[t.len - 1] && is_blank(t.p[t.len - 1]))
        t.len--;
    return t;
}

wr_status wr_labels_source(wr_text *out, wr_label_gate *g, const char *prefix,
                           wr_text tail, wr_err *err)
{
    char text[WR_LABEL_TEXT_MAX + 4]; /* a character more: the gate cuts at its border */
    uint32_t n = 0;
    while (*prefix)
        text[n++] = *prefix++;
    for (uint32_t i = 0; i < tail.len && n < sizeof text; i++)
        text[n++] = tail.p[i];
    *out = wr_arena_text(&g->name_arena, (wr_text){text, n});
    return out->p ? WR_OK : wr_fail(err, WR_ENOMEM, "name of a label source");
}

/* --- the gate: one entry, checked ------------------------------------------------------
 */

void wr_label_report(const wr_label_gate *g, wr_label_issue_kind kind, uint64_t line,
                     const char *fmt, ...)
{
    if (!g->sink->issue)
        return;
    char message[WR_ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    const wr_label_issue issue = {.kind = kind, .line = line, .message = message};
    g->sink->issue(g->sink->ctx, &issue);
}

/* GraphSense's table of confidence levels. */
static int confidence_of(wr_text t)
{
    static const struct {
        const char *word;
        int level;
    } table[] = {
        {"override", 100},
        {"ownership", 100},
        {"ledger_immanent", 100},
        {"manual_transaction", 90},
        {"service_api", 70},
        {"forensic_investigation", 70},
        {"authority_data", 60},
        {"trusted_provider", 50},
        {"service_data", 50},
        {"forensic", 50},
        {"untrusted_transaction", 40},
        {"web_crawl", 20},
        {"heuristic", 10},
        {"unknown", 5},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (wr_text_eq(t, wr_text_of(table[i].word)))
            return table[i].level;
    double v = 0;
    if (wr_number_parse(&v, t, NULL) != WR_OK || v < 0 || v > 100 || v != (double)(int)v)
        return -1;
    return (int)v;
}

/* Tokens stand for the chain that the address's form belongs to. */
static wr_text chain_of_token(wr_text chain, wr_text address)
{
    static const char *const tokens[] = {"USDT", "USDC", "DAI", "BUSD",
                                         "TUSD", "PAX",  "OMNI"};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        if (chain.len != strlen(tokens[i]) ||
            strncasecmp(chain.p, tokens[i], chain.len) != 0)
            continue;
        if (address.len >= 2 && address.p[0] == '0' && (address.p[1] | 32) == 'x')
            return WR_TEXT_LIT("ETH");
        return address.len && address.p[0] == 'T' ? WR_TEXT_LIT("TRX")
                                                  : WR_TEXT_LIT("BTC");
    }
    return chain;
}

static bool read_chain(const wr_chain **out, const wr_label_gate *g,
                       const wr_raw_label *raw)
{
    wr_text id = raw->chain.len ? raw->chain : g->o->chain;
    wr_err why = {0};
    if (!id.len) {
        wr_label_report(g, WR_LABEL_UNKNOWN_CHAIN, raw->line, "no chain given (--chain)");
        return false;
    }
    if (wr_chain_find(out, chain_of_token(id, raw->address), &why) == WR_OK)
        return true;
    wr_label_report(g, WR_LABEL_UNKNOWN_CHAIN, raw->line, "%s", why.msg);
    return false;
}

static bool read_category(int *out, const wr_label_gate *g, const wr_raw_label *raw)
{
    const wr_text word = raw->category.len ? raw->category : g->o->category;
    if (!word.len) {
        const wr_text what = raw->name.len ? raw->name : raw->address;
        wr_label_report(g, WR_LABEL_NO_CATEGORY, raw->line, "no category for '%s'",
                        wr_text_quote(what, QUOTE_MAX).s);
        return false;
    }
    *out = wr_taxonomy_find(g->o->taxonomy, word);
    if (*out < 0)
        wr_label_report(g, WR_LABEL_UNKNOWN_CATEGORY, raw->line, "unknown category '%s'",
                        wr_text_quote(word, QUOTE_MAX).s);
    return *out >= 0;
}

static bool read_confidence(uint8_t *out, const wr_label_gate *g, const wr_raw_label *raw)
{
    int level = g->o->confidence;
    if (raw->confidence.len)
        level = confidence_of(raw->confidence);
    else if (level < 0)
        level = confidence_of(wr_text_of(g->default_confidence));
    if (level < 0 || level > 100) {
        wr_label_report(g, WR_LABEL_BAD_FIELD, raw->line,
                        "confidence '%s' is neither 0..100 nor a GraphSense level",
                        wr_text_quote(raw->confidence, QUOTE_MAX).s);
        return false;
    }
    *out = (uint8_t)level;
    return true;
}

static bool read_time(int64_t *out, const wr_label_gate *g, uint64_t line,
                      const char *what, wr_text t)
{
    wr_err why = {0};
    *out = WR_TIME_NONE;
    if (!t.len || wr_time_parse(out, t, &why) == WR_OK)
        return true;
    wr_label_report(g, WR_LABEL_BAD_FIELD, line, "%s: %s", what, why.msg);
    return false;
}

static bool read_validity(wr_label *b, const wr_label_gate *g, const wr_raw_label *raw)
{
    if (!read_time(&b->valid_from_s, g, raw->line, "valid_from", raw->valid_from) ||
        !read_time(&b->valid_to_s, g, raw->line, "valid_to", raw->valid_to))
        return false;
    if (b->valid_to_s == WR_TIME_NONE || b->valid_to_s > b->valid_from_s)
        return true;
    wr_label_report(g, WR_LABEL_BAD_FIELD, raw->line, "valid_to is not after valid_from");
    return false;
}

enum { T_SOURCE, T_URI, T_ACTOR, T_NAME };

/* Strangers' text, cleaned into the gate: control characters become blanks (no terminal
   obeys a label), trimmed, cut to the limit at a character's border; no UTF-8 is an
   issue. */
static bool read_text(wr_text *out, wr_label_gate *g, int which, uint64_t line, wr_text t)
{
    static const char *const name[] = {"source", "uri", "actor", "name"};
    char *clean = g->text[which];
    t = wr_label_trim(t);
    if (!wr_utf8_is_valid(t) || (t.len && memchr(t.p, '\0', t.len))) {
        wr_label_report(g, WR_LABEL_BAD_FIELD, line, "%s '%s' is not UTF-8 text",
                        name[which], wr_text_quote(t, QUOTE_MAX).s);
        return false;
    }
    if (t.len > WR_LABEL_TEXT_MAX) {
        t.len = WR_LABEL_TEXT_MAX;
        while (t.len && ((unsigned char)t.p[t.len] & 0xC0) == 0x80)
            t.len--;
    }
    memcpy(clean, t.p ? t.p : "", t.len);
    for (uint32_t i = 0; i < t.len; i++)
        if (is_blank(clean[i]))
            clean[i] = ' ';
    t = wr_label_trim((wr_text){clean, t.len});
    *out = t.len ? t : (wr_text){0};
    return true;
}

static bool read_texts(wr_label *b, wr_label_gate *g, const wr_raw_label *raw)
{
    const wr_text source = g->o->source.len ? g->o->source : raw->source;
    return read_text(&b->source, g, T_SOURCE, raw->line, source) &&
           read_text(&b->uri, g, T_URI, raw->line, raw->uri) &&
           read_text(&b->actor, g, T_ACTOR, raw->line, raw->actor) &&
           read_text(&b->name, g, T_NAME, raw->line, raw->name);
}

static bool keep_text(wr_text *t, wr_label_gate *g)
{
    const bool is_there = t->len > 0;
    if (is_there)
        *t = wr_arena_text(&g->arena, *t);
    return !is_there || t->p;
}

/* --- repeats ---------------------------------------------------------------------------
 */

static void key_of(uint64_t key[2], const wr_label *b)
{
    key[0] = UINT64_C(0x9E3779B97F4A7C15);
    key[1] = UINT64_C(0xD1342543DE82EF95);
    const wr_text part[] = {wr_text_of(b->chain->id), b->address, b->source, b->category};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        for (int k = 0; k < 2; k++)
            key[k] = wr_hash64(part[i].p, part[i].len, key[k] + part[i].len);
    key[0] |= key[0] == 0; /* 0 marks a free place */
}

static uint64_t *place_of(uint64_t *table, size_t cap, const uint64_t key[2])
{
    size_t i = (size_t)key[0] & (cap - 1);
    while (table[2 * i] && (table[2 * i] != key[0] || table[2 * i + 1] != key[1]))
        i = (i + 1) & (cap - 1);
    return &table[2 * i];
}

static wr_status grow_seen(wr_label_gate *g, wr_err *err)
{
    if (2 * (g->seen_count + 1) <= g->seen_cap)
        return WR_OK;
    const size_t cap = g->seen_cap ? 2 * g->seen_cap : 4096;
    uint64_t *table = wr_calloc(2 * cap, sizeof *table);
    if (!table)
        return wr_fail(err, WR_ENOMEM, "%zu label keys", cap);
    for (size_t i = 0; i < g->seen_cap; i++)
        if (g->seen[2 * i])
            memcpy(place_of(table, cap, &g->seen[2 * i]), &g->seen[2 * i],
                   2 * sizeof *table);
    wr_free(g->seen);
    g->seen = table;
    g->seen_cap = cap;
    return WR_OK;
}

static wr_status is_repeated(bool *out, wr_label_gate *g, const wr_label *b, wr_err *err)
{
    WR_TRY(grow_seen(g, err));
    uint64_t key[2];
    key_of(key, b);
    uint64_t *place = place_of(g->seen, g->seen_cap, key);
    *out = place[0] != 0;
    memcpy(place, key, sizeof key);
    g->seen_count += !*out;
    return WR_OK;
}

/* --- offer -----------------------------------------------------------------------------
 */

wr_status wr_label_gate_flush(wr_label_gate *g, wr_err *err)
{
    if (g->count)
        WR_TRY(g->sink->take(g->sink->ctx, g->batch, g->count, err));
    g->count = 0;
    wr_arena_reset(&g->arena);
    return WR_OK;
}

wr_status wr_label_gate_offer(wr_label_gate *g, const wr_raw_label *raw, wr_err *err)
{
    wr_label b = {0};
    int category = -1;
    if (!read_chain(&b.chain, g, raw) || !read_category(&category, g, raw) ||
        !read_confidence(&b.confidence, g, raw) || !read_validity(&b, g, raw) ||
        !read_texts(&b, g, raw))
        return WR_OK;
    char address[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    wr_err why = {0};
    if (wr_address_canonical(address, &len, b.chain, raw->address, &why) != WR_OK) {
        wr_label_report(g, WR_LABEL_BAD_ADDRESS, raw->line, "%s", why.msg);
        return WR_OK;
    }
    b.address = (wr_text){address, (uint32_t)len};
    b.category = wr_text_of(g->o->taxonomy->category[category].id);
    bool repeated = false;
    WR_TRY(is_repeated(&repeated, g, &b, err));
    if (repeated) {
        wr_label_report(g, WR_LABEL_REPEATED, raw->line, "%s %s was there before",
                        address, g->o->taxonomy->category[category].id);
        return WR_OK;
    }
    if (!keep_text(&b.address, g) || !keep_text(&b.source, g) || !keep_text(&b.uri, g) ||
        !keep_text(&b.actor, g) || !keep_text(&b.name, g))
        return wr_fail(err, WR_ENOMEM, "label texts");
    g->batch[g->count++] = b;
    return g->count == WR_LABELS_BATCH ? wr_label_gate_flush(g, err) : WR_OK;
}

/* --- a whole list ----------------------------------------------------------------------
 */

static wr_text first_line(wr_text bytes)
{
    const char *end = bytes.len ? memchr(bytes.p, '\n', bytes.len) : NULL;
    return (wr_text){bytes.p, end ? (uint32_t)(end - bytes.p) : bytes.len};
}

static bool contains(wr_text t, const char *word)
{
    return memmem(t.p ? t.p : "", t.len, word, strlen(word)) != NULL;
}

static wr_labels_format guess(const char *name, wr_text bytes)
{
    uint32_t i = 0;
    while (i < bytes.len && isspace((unsigned char)bytes.p[i]))
        i++;
    char first = '\0';
    if (i < bytes.len)
        first = bytes.p[i];
    if (first == '{')
        return WR_LABELS_ETHERSCAN;
    if (first == '[')
        return WR_LABELS_OFAC_JSON;
    const wr_text base = wr_labels_base_name(name);
    if (ends_with(base, ".yaml") || ends_with(base, ".yml"))
        return WR_LABELS_TAGPACK;
    const wr_text head = first_line(bytes);
    if (contains(head, "category_or_abuse"))
        return WR_LABELS_GRAPHSENSE;
    const bool has_columns =
        contains(head, ",") || contains(head, ";") || contains(head, "\t");
    return (has_columns && first != '#') || ends_with(base, ".csv") ? WR_LABELS_CSV
                                                                    : WR_LABELS_OFAC_TXT;
}

static wr_status read_as(wr_label_gate *g, wr_labels_format f, const char *name,
                         wr_text bytes, wr_err *err)
{
    switch (f) {
    case WR_LABELS_CSV:
    case WR_LABELS_GRAPHSENSE:
        g->default_confidence = "unknown";
        return wr_labels_read_csv(g, name, bytes, f == WR_LABELS_GRAPHSENSE, err);
    case WR_LABELS_TAGPACK:
        g->default_confidence = "unknown";
        return wr_labels_read_tagpack(g, name, bytes, err);
    case WR_LABELS_OFAC_TXT:
        g->default_confidence = "authority_data";
        return wr_labels_read_ofac_txt(g, name, bytes, err);
    case WR_LABELS_OFAC_JSON:
        g->default_confidence = "authority_data";
        return wr_labels_read_ofac_json(g, name, bytes, err);
    case WR_LABELS_ETHERSCAN:
        g->default_confidence = "trusted_provider";
        return wr_labels_read_etherscan(g, name, bytes, err);
    case WR_LABELS_AUTO:
    case WR_LABELS_FORMAT_COUNT:
        break;
    }
    return wr_fail(err, WR_EINVAL, "label format %d", (int)f);
}

/* The first WR_LABELS_PAD bytes behind `bytes` can be read. */
static wr_status read_padded(const char *name, wr_text bytes, const wr_labels_opts *o,
                             const wr_labels_sink *sink, wr_err *err)
{
    WR_AUTO_ARRAY wr_label_gate *g = wr_calloc(1, sizeof *g);
    if (!g)
        return wr_fail(err, WR_ENOMEM, "label gate");
    g->o = o;
    g->sink = sink;
    wr_arena_init(&g->arena, 0);
    wr_arena_init(&g->name_arena, 0);
    if (bytes.len >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0) {
        bytes.p += 3;
        bytes.len -= 3;
    }
    const wr_labels_format f =
        o->format == WR_LABELS_AUTO ? guess(name, bytes) : o->format;
    wr_status s = read_as(g, f, name, bytes, err);
    if (s == WR_OK)
        s = wr_label_gate_flush(g, err);
    wr_arena_release(&g->name_arena);
    wr_arena_release(&g->arena);
    wr_free(g->seen);
    return s;
}

static wr_status pad_and_read(const char *name, wr_buf *b, const wr_labels_opts *o,
                              const wr_labels_sink *sink, wr_err *err)
{
    const uint32_t len = (uint32_t)b->len;
    wr_buf_add(b, (char[WR_LABELS_PAD]){0}, WR_LABELS_PAD);
    WR_TRY(wr_buf_status(b, name, err));
    return read_padded(name, (wr_text){b->p, len}, o, sink, err);
}

wr_status wr_labels_read_bytes(const char *name, wr_text bytes, const wr_labels_opts *o,
                               const wr_labels_sink *sink, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, LIST_MAX_BYTES);
    if (bytes.len)
        wr_buf_add(&b, bytes.p, bytes.len);
    wr_status s = pad_and_read(name, &b, o, sink, err);
    wr_buf_release(&b);
    return s;
}

wr_status wr_labels_read(const char *path, const wr_labels_opts *o,
                         const wr_labels_sink *sink, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, LIST_MAX_BYTES);
    wr_status s = wr_input_read_all(&b, path, err);
    if (s == WR_OK)
        s = pad_and_read(path, &b, o, sink, err);
    wr_buf_release(&b);
    return s;
}

/*
 * labels_test.h - label lists under test: everything that a list gave, as text.
 */
#ifndef WR_LABELS_TEST_H
#define WR_LABELS_TEST_H

#include "wr_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/labels.h"
#include "codec/settings_yaml.h"
#include "util/clock.h"

#define BTC   "bip122:000000000019d6689c085ae165831e93"
#define EVM1  "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
#define EVM2  "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
#define P2PKH "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"

static inline const wr_taxonomy *taxonomy(void)
{
    static wr_taxonomy tx;
    static const char text[] =
        "categories:\n"
        "  - {id: sanctions, name: S, kind: illicit, weight: 1, rho0: 0.1, words: "
        "[ofac]}\n"
        "  - {id: hack, name: H, kind: illicit, weight: 1, rho0: 0.1, words: [exploit, "
        "heist]}\n"
        "  - {id: exchange, name: E, kind: service, words: [cex, binance]}\n";
    if (!tx.count)
        assert_ok(wr_taxonomy_from_yaml(&tx, "c.yaml", text, sizeof text - 1, &err));
    return &tx;
}

/* Everything that a list gave, as text: one line a label, one line an issue. */
typedef struct seen {
    wr_buf labels, issues;
    size_t label_count, issue_count;
    uint64_t count[WR_LABEL_ISSUE_COUNT];
    long fail_after; /* labels; < 0 = never */
} seen;

static inline void put_time(wr_buf *b, int64_t time_s)
{
    char t[WR_RFC3339_MAX] = "";
    if (time_s != WR_TIME_NONE)
        wr_time_format(t, time_s);
    wr_buf_addf(b, "|%s", t);
}

static inline wr_status take(void *ctx, const wr_label *l, size_t n, wr_err *err)
{
    seen *s = ctx;
    for (size_t i = 0; i < n; i++, l++) {
        s->label_count++;
        wr_buf_addf(&s->labels, "%s|%.*s|%.*s|%u|%.*s|%.*s|%.*s|%.*s", l->chain->id,
                    WR_TEXT_ARG(l->address), WR_TEXT_ARG(l->category), l->confidence,
                    WR_TEXT_ARG(l->source), WR_TEXT_ARG(l->uri), WR_TEXT_ARG(l->actor),
                    WR_TEXT_ARG(l->name));
        put_time(&s->labels, l->valid_from_s);
        put_time(&s->labels, l->valid_to_s);
        wr_buf_adds(&s->labels, "\n");
    }
    if (s->fail_after >= 0 && s->label_count > (size_t)s->fail_after)
        return wr_fail(err, WR_EIO, "the store is gone");
    return WR_OK;
}

static inline void take_issue(void *ctx, const wr_label_issue *i)
{
    seen *s = ctx;
    s->issue_count++;
    s->count[i->kind]++;
    wr_buf_addf(&s->issues, "%" PRIu64 " %s: %s\n", i->line, wr_label_issue_name(i->kind),
                i->message);
}

static inline void begin(seen *s)
{
    *s = (seen){.fail_after = -1};
    wr_buf_init(&s->labels, 64 << 20);
    wr_buf_init(&s->issues, 64 << 20);
}

static inline void end(seen *s)
{
    wr_buf_release(&s->labels);
    wr_buf_release(&s->issues);
}

static inline wr_status read_len(seen *s, const char *name, const char *text, size_t len,
                                 const wr_labels_opts *more, wr_err *err)
{
    wr_labels_opts o = more ? *more : (wr_labels_opts){.confidence = -1};
    o.taxonomy = taxonomy();
    const wr_labels_sink sink = {.take = take, .issue = take_issue, .ctx = s};
    return wr_labels_read_bytes(name, (wr_text){text, (uint32_t)len}, &o, &sink, err);
}

/* Labels and issues must be exactly these. */
static inline void check(const char *name, const char *text, const wr_labels_opts *more,
                         const char *labels, const char *issues)
{
    seen s;
    begin(&s);
    assert_ok(read_len(&s, name, text, strlen(text), more, &err));
    assert_string_equal(wr_buf_cstr(&s.labels), labels);
    assert_string_equal(wr_buf_cstr(&s.issues), issues);
    end(&s);
}

static inline void check_fails(const char *name, const char *text, wr_status want,
                               const char *message)
{
    seen s;
    wr_err err = {0};
    begin(&s);
    assert_int_equal(read_len(&s, name, text, strlen(text), NULL, &err), want);
    assert_string_equal(err.msg, message);
    assert_int_equal(s.label_count, 0);
    end(&s);
}

#endif

/*
 * labels.h - label lists of the field -> wr_label records, or an issue by line.
 *
 *   csv            own: address, chain, category [, confidence, source, uri, actor, name,
 *                  valid_from, valid_to]; columns in any order, others are ignored;
 *                  ',' ';' or tab between them; dates as in util/clock.h
 *   graphsense     GraphSense flat tags: address, currency, label, category_or_abuse,
 *                  confidence, lastmod, source, pack
 *   tagpack        GraphSense TagPack YAML; header values are inherited by its tags
 *   ofac-txt       one address a line; chain from the name (…_XBT.txt) or the options
 *   ofac-json      the same as a JSON array
 *   etherscan      { address: { "name": …, "labels": [words] } }; one label per category
 *                  that its words mean
 *
 * The format is told by name and first bytes unless given.  Files may be .gz or .zst.
 * A category word is looked up in the taxonomy (ids and concept words); words that mean
 * nothing there are issues, not errors.  Within one list the first label of a key (chain,
 * address, source, category) counts; repeats are issues.  So loading a list again changes
 * nothing.  Every entry is a label or an issue (of Etherscan: at least one label or an
 * issue).
 *
 * Texts are strangers' words: blanks at the ends go, control characters become blanks,
 * what is longer than WR_LABEL_TEXT_MAX is cut at a character, what is no UTF-8 is an
 * issue. A token's name in place of a chain (USDT, USDC, …) stands for the chain that the
 * form of the address belongs to.  Thread: safe.
 */
#ifndef WR_CODEC_LABELS_H
#define WR_CODEC_LABELS_H

#include "model/label.h"
#include "util/buf.h"

typedef enum wr_labels_format {
    WR_LABELS_AUTO,
    WR_LABELS_CSV,
    WR_LABELS_GRAPHSENSE,
    WR_LABELS_TAGPACK,
    WR_LABELS_OFAC_TXT,
    WR_LABELS_OFAC_JSON,
    WR_LABELS_ETHERSCAN,
    WR_LABELS_FORMAT_COUNT
} wr_labels_format;

const char *wr_labels_format_name(wr_labels_format f);
wr_status wr_labels_format_parse(wr_labels_format *out, wr_text t,
                                 wr_err *err) WR_NODISCARD;

typedef enum wr_label_issue_kind {
    WR_LABEL_UNKNOWN_CATEGORY,
    WR_LABEL_NO_CATEGORY,
    WR_LABEL_BAD_ADDRESS,
    WR_LABEL_UNKNOWN_CHAIN,
    WR_LABEL_BAD_FIELD, /* confidence, dates, no UTF-8, columns, quotes */
    WR_LABEL_REPEATED,
    WR_LABEL_ISSUE_COUNT
} wr_label_issue_kind;

const char *wr_label_issue_name(wr_label_issue_kind k); /* "unknown category", … */

typedef struct wr_label_issue {
    wr_label_issue_kind kind;
    uint64_t line;       /* 1-based; of a JSON list: the number of the entry */
    const char *message; /* one line with the value */
} wr_label_issue;

/* What a list does not say itself; absent / NULL = the format's own default. */
typedef struct wr_labels_opts {
    wr_labels_format format;
    const wr_taxonomy *taxonomy; /* required */
    wr_text
        source;    /* instead of the format's, e.g. "ofac:sanctioned_addresses_ETH.txt" */
    wr_text chain; /* id or alias, for lists without one */
    wr_text category; /* for lists without one */
    int confidence;   /* 0..100 for lists without one; -1 = the format's */
} wr_labels_opts;

/* Texts live until the sink returns. */
typedef struct wr_labels_sink {
    wr_status (*take)(void *ctx, const wr_label *label, size_t n, wr_err *err);
    void (*issue)(void *ctx, const wr_label_issue *issue); /* may be NULL */
    void *ctx;
} wr_labels_sink;

/*
 * Errors  WR_EIO, WR_ECORRUPT (file), WR_EPARSE (not such a list at all: what was
 *         expected), WR_ELIMIT (1 GiB; YAML 64 MiB), WR_EINVAL (option), of the sink
 * Cost    the file is held in memory once, decompressed; JSON and YAML as a tree beside
 * it
 */
wr_status wr_labels_read(const char *path, const wr_labels_opts *o,
                         const wr_labels_sink *sink, wr_err *err) WR_NODISCARD;

/* The same over bytes (copied once); name stands for the path. */
wr_status wr_labels_read_bytes(const char *name, wr_text bytes, const wr_labels_opts *o,
                               const wr_labels_sink *sink, wr_err *err) WR_NODISCARD;

/* Line that names the columns of wr_label_to_csv. */
#define WR_LABEL_CSV_HEADER \
    "chain,address,category,confidence,source,uri,actor,name,valid_from,valid_to\n"

/*
 * One line of our own CSV; the format `csv` reads the same label back.  A text that a
 * spreadsheet would take for a formula (= + - @ first) gets a leading ', which the reader
 * takes away again.  The caller checks wr_buf_status.
 */
void wr_label_to_csv(wr_buf *b, const wr_label *label);

#endif

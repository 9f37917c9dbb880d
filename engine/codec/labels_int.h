/*
 * labels_int.h - what the label formats share: raw fields in, checked labels out.
 */
#ifndef WR_CODEC_LABELS_INT_H
#define WR_CODEC_LABELS_INT_H

#include "codec/labels.h"
#include "util/arena.h"

enum { WR_LABELS_BATCH = 4096 };

/* One entry as a list writes it; absent texts take defaults. */
typedef struct wr_raw_label {
    uint64_t line;
    wr_text address, chain;
    wr_text category;   /* word */
    wr_text confidence; /* word of GraphSense's table, or 0..100 */
    wr_text source, uri, actor, name;
    wr_text valid_from, valid_to;
} wr_raw_label;

typedef struct wr_label_gate {
    const wr_labels_opts *o;
    const wr_labels_sink *sink;
    const char *default_confidence; /* of the format */
    wr_label batch[WR_LABELS_BATCH];
    size_t count;
    char text[4][WR_LABEL_TEXT_MAX]; /* of the entry at hand, cleaned */
    wr_arena arena;                  /* texts of the batch */
    wr_arena name_arena;             /* sources made from names of files and packs */
    uint64_t *seen; /* [2 * seen_cap] 128-bit keys, open addressing; 0,0 = free */
    size_t seen_cap, seen_count;
} wr_label_gate;

void wr_label_report(const wr_label_gate *g, wr_label_issue_kind kind, uint64_t line,
                     const char *fmt, ...) WR_PRINTF(4, 5);

/* Check one entry; it goes to the batch or to issue().  Fails only as the sink does. */
wr_status wr_label_gate_offer(wr_label_gate *g, const wr_raw_label *raw,
                              wr_err *err) WR_NODISCARD;
wr_status wr_label_gate_flush(wr_label_gate *g, wr_err *err) WR_NODISCARD;

enum { WR_LABELS_PAD = 16 }; /* readable bytes behind the bytes of a list */

/* The formats. */
wr_status wr_labels_read_csv(wr_label_gate *g, const char *name, wr_text bytes,
                             bool is_graphsense, wr_err *err) WR_NODISCARD;
wr_status wr_labels_read_tagpack(wr_label_gate *g, const char *name, wr_text bytes,
                                 wr_err *err) WR_NODISCARD;
wr_status wr_labels_read_ofac_txt(wr_label_gate *g, const char *name, wr_text bytes,
                                  wr_err *err) WR_NODISCARD;
wr_status wr_labels_read_ofac_json(wr_label_gate *g, const char *name, wr_text bytes,
                                   wr_err *err) WR_NODISCARD;
wr_status wr_labels_read_etherscan(wr_label_gate *g, const char *name, wr_text bytes,
                                   wr_err *err) WR_NODISCARD;

/* Without blanks and control characters at its ends; NUL is left for the checks. */
wr_text wr_label_trim(wr_text t);
/* Name without its folders and without ".gz" or ".zst". */
wr_text wr_labels_base_name(const char *name);
/* "dir/sanctioned_addresses_XBT.txt" -> "XBT"; absent when the name has no such part. */
wr_text wr_labels_chain_of_name(const char *name);
/* "ofac:" and the base name, in g->name_arena. */
wr_status wr_labels_source(wr_text *out, wr_label_gate *g, const char *prefix,
                           wr_text tail, wr_err *err) WR_NODISCARD;

/* One ' or more before = + - @: how wr_label_to_csv guards a text from spreadsheets. */
bool wr_label_is_guarded(wr_text t);

#endif

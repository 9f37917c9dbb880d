/*
 * yaml_doc.h - YAML text as a tree, with errors that name file, line and key (libyaml).
 *
 * For configuration and label packs: strict, every key must be one the caller knows.
 * Aliases are followed by libyaml; a document is at most 64 MiB.
 * Thread: one object one thread.
 */
#ifndef WR_CODEC_YAML_DOC_H
#define WR_CODEC_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

typedef struct wr_yaml_doc wr_yaml_doc;

/* A node is an index into its document; 0 = absent. */
typedef struct wr_yaml_node {
    const wr_yaml_doc *doc;
    int index;
} wr_yaml_node;

/*
 * name    for messages (file name)
 * Errors  WR_EPARSE ("name:line: what"), WR_ELIMIT, WR_ENOMEM
 */
wr_status wr_yaml_parse(wr_yaml_doc **out, const char *name, const char *text, size_t len,
                        wr_err *err) WR_NODISCARD;
void wr_yaml_free(wr_yaml_doc *d); /* accepts NULL */
WR_DEFINE_AUTO(wr_yaml_doc, wr_yaml_free)

wr_yaml_node wr_yaml_root(const wr_yaml_doc *d);
size_t wr_yaml_line(wr_yaml_node n); /* 1-based */
static inline bool wr_yaml_has(wr_yaml_node n)
{
    return n.index != 0;
}

/* Mapping: value of key, absent when there is none or n is no mapping. */
wr_yaml_node wr_yaml_get(wr_yaml_node n, const char *key);
/* Every key of mapping n is one of `keys` (NULL-ended): else WR_EPARSE naming it. */
wr_status wr_yaml_only(wr_yaml_node n, const char *const keys[],
                       wr_err *err) WR_NODISCARD;

/* Sequence or mapping size; 0 for scalars. */
size_t wr_yaml_count(wr_yaml_node n);
wr_yaml_node wr_yaml_item(wr_yaml_node n, size_t i); /* of a sequence */

/* Scalar as text; WR_EPARSE naming `what` when absent or no scalar. */
wr_status wr_yaml_text(wr_text *out, wr_yaml_node n, const char *what,
                       wr_err *err) WR_NODISCARD;
/* Number within [lo, hi]. */
wr_status wr_yaml_number(double *out, wr_yaml_node n, const char *what, double lo,
                         double hi, wr_err *err) WR_NODISCARD;

/* WR_EPARSE "name:line: …" for a caller's own findings. */
wr_status wr_yaml_fail(wr_yaml_node n, wr_err *err, const char *fmt, ...) WR_PRINTF(3, 4);

#endif

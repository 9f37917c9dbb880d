/*
 * label.h - somebody's claim that an address belongs to a category.
 *
 * The key of a label is (chain, address, source, category).  Loading the same list
 * again changes nothing.  Texts are borrowed.
 */
#ifndef WR_MODEL_LABEL_H
#define WR_MODEL_LABEL_H

#include "model/address.h"
#include "model/category.h"

enum { WR_LABEL_TEXT_MAX = 256 };

#define WR_TIME_NONE INT64_MIN /* open end of a validity */

typedef struct wr_label {
    const wr_chain *chain;
    wr_text address;      /* canonical */
    wr_text category;     /* id of the taxonomy */
    uint8_t confidence;   /* 0..100, GraphSense levels */
    wr_text source;       /* list it came from, e.g. "graphsense:ofac.yaml" */
    wr_text uri;          /* page that supports the claim; may be absent */
    wr_text actor;        /* may be absent */
    wr_text name;         /* free text of the tag; may be absent */
    int64_t valid_from_s; /* WR_TIME_NONE = always */
    int64_t valid_to_s;   /* exclusive; WR_TIME_NONE = open */
} wr_label;

#endif

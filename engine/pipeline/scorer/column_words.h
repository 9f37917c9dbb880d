/*
 * column_words.h - what a column of a model is, in words, from its name.
 *
 * A name of the table (feature_list.h), or "<hop>_<stat>_<name>" of a feature over
 * neighbours (frame.h).  Cards and explanations say it with these.  Thread: safe.
 */
#ifndef WR_PIPELINE_SCORER_COLUMN_WORDS_H
#define WR_PIPELINE_SCORER_COLUMN_WORDS_H

#include "scoring/aggregate.h"
#include "scoring/feature.h"
#include "util/buf.h"

typedef struct wr_column_words {
    const wr_feature *feature; /* NULL: this program does not know the name */
    bool is_of_neighbours;     /* then these two hold: */
    wr_aggregate_hop hop;
    wr_aggregate_stat stat;
} wr_column_words;

wr_column_words wr_column_words_of(wr_feature_kind kind, const char *name);

/* Both append nothing for a name that is not known. */
void wr_column_meaning(wr_buf *out, const wr_column_words *w);
void wr_column_unit(wr_buf *out, const wr_column_words *w); /* "log(1 + value)" */

#endif

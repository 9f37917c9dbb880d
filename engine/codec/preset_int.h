/*
 * preset_int.h - column sets of known exports, and the decoder that options resolve to.
 *
 * A preset with its own column list reads only those columns (a list may name a column
 * twice when the file does: the first goes to the first entry); one without takes every
 * accepted spelling.  A CSV header that has all names marked is_sign picks the preset.
 */
#ifndef WR_CODEC_PRESET_INT_H
#define WR_CODEC_PRESET_INT_H

#include "codec/field_int.h"
#include "codec/transfer_opts.h"

typedef enum wr_record_kind {
    WR_RECORD_CSV,
    WR_RECORD_JSON,
    WR_RECORD_DUMPLINGS,
} wr_record_kind;

typedef enum wr_quirk {
    WR_QUIRK_SOURCE_SINK = 1,  /* accounts -2 and -1 are "source" and "sink" */
    WR_QUIRK_THOUSANDS = 2,    /* value may be written 1,234.5 */
    WR_QUIRK_HEADER_ASSET = 4, /* "Value_IN(ETH)" names the asset, and so the chain */
    WR_QUIRK_DOUBLES = 8       /* values went through doubles: 15 digits are theirs */
} wr_quirk;

typedef struct wr_preset_column {
    const char *plain; /* compare form; "valuein*" = any name that begins so; NULL ends */
    wr_field field;
    bool is_sign;
} wr_preset_column;

typedef struct wr_preset {
    const char *name;
    const char *chain;              /* default; NULL = none */
    const char *asset;              /* default; NULL = the chain's own */
    const wr_preset_column *column; /* NULL = all accepted spellings */
    wr_record_kind kind;
    int decimals; /* -1 = of chain or asset */
    wr_time_unit time_unit;
    wr_position_rule position_rule; /* BY_FORMAT counts as ZERO */
    unsigned quirks;
    bool is_rounding;
    bool is_open; /* takes all accepted spellings: `column` are its signs */
} wr_preset;

/* By name; NULL when unknown. */
const wr_preset *wr_preset_find(const char *name);
/* The preset whose signs are all in the header, or plain CSV. */
const wr_preset *wr_preset_of_header(const wr_text *name, uint32_t count);

enum { WR_MAP_MAX = 24 };

struct wr_transfer_decoder {
    const wr_preset *preset;      /* "ndjson" for JSON, or the one named or detected */
    bool is_detecting;            /* no format was named */
    bool is_chain_given;          /* by the options, not by the preset */
    const wr_chain *chain;        /* default; NULL = records must say */
    char asset[WR_ASSET_MAX + 1]; /* default; "" = the chain's own */
    int decimals;
    bool is_rounding;
    wr_time_unit time_unit;
    int64_t step_base_s, step_s;
    wr_position_rule position_rule; /* ZERO or DERIVED */
    int64_t now_s;                  /* 0 = wall clock */
    wr_transfer_opts opts;          /* as given; of its texts only the copies above */
    uint32_t map_count;
    struct {
        wr_field field;
        char name[WR_NAME_MAX + 1];
    } map[WR_MAP_MAX];
};

/* Fill what the options left open from a preset. */
wr_status wr_decoder_use(wr_transfer_decoder *d, const wr_preset *p,
                         wr_err *err) WR_NODISCARD;

/* Field of a name under the map and the accepted spellings. */
wr_field wr_decoder_field(const wr_transfer_decoder *d, wr_text name);

/* Does a name have this compare form (with '*' at its end: begin so)? */
bool wr_name_is(wr_text name, const char *wanted);

#endif

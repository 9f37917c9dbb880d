/*
 * field_int.h - the fields of an outside record, their names, and a record as texts.
 *
 * A record is an array of slots.  Slot f (wr_field) holds the text that was found for
 * field f; a second spelling of the same field goes to a slot behind WR_F_COUNT, so that
 * the two can be compared.  The layout says which name each slot was found under: one per
 * CSV file, one per JSON record.  Slot WR_F_NONE takes what nobody asked for.
 */
#ifndef WR_CODEC_FIELD_INT_H
#define WR_CODEC_FIELD_INT_H

#include "util/text.h"

typedef enum wr_field {
    WR_F_NONE,
    WR_F_CHAIN,
    WR_F_TX_HASH,
    WR_F_POSITION,
    WR_F_TX_INDEX, /* stands in for position */
    WR_F_BLOCK,
    WR_F_TIME,
    WR_F_FROM,
    WR_F_TO,
    WR_F_CONTRACT, /* stands in for an empty `to` */
    WR_F_ASSET,
    WR_F_SYMBOL, /* stands in for asset; beside a token address it says nothing new */
    WR_F_AMOUNT,
    WR_F_VALUE,
    WR_F_VALUE_USD,
    WR_F_DECIMALS,
    WR_F_MEMO,
    WR_F_IS_ERROR,
    /* pieces that presets put together */
    WR_F_FROM_BANK,
    WR_F_TO_BANK,
    WR_F_CLOCK, /* time of day beside a date in WR_F_TIME */
    WR_F_VALUE_IN,
    WR_F_VALUE_OUT,
    WR_F_STATUS, /* "Error(0)", "fail…": nothing moved */
    /* UTXO transactions in JSON */
    WR_F_INPUTS,
    WR_F_OUTPUTS,
    WR_F_ADDRESS,
    WR_F_SCRIPT,
    WR_F_COUNT
} wr_field;

enum {
    WR_ALT_MAX = 8, /* second spellings in one record */
    WR_SLOT_COUNT = WR_F_COUNT + WR_ALT_MAX,
    WR_NAME_MAX = 63 /* longest column name or key that is looked at */
};

typedef struct wr_layout {
    uint32_t alt_count;
    uint8_t alt_of[WR_ALT_MAX];  /* field whose second spelling slot WR_F_COUNT + i is */
    wr_text name[WR_SLOT_COUNT]; /* as found; absent = this field has no place here */
} wr_layout;

typedef struct wr_fields {
    const wr_layout *layout;
    wr_text slot[WR_SLOT_COUNT];
} wr_fields;

/* Name as documented ("from", "tx_hash"); for messages and dead letters. */
const char *wr_field_name(wr_field f);

/* Compare form: ASCII lower case without blanks and _ - . ( ).  Longer names are cut. */
void wr_field_plain(char out[WR_NAME_MAX + 1], wr_text name);

/* Field of an accepted spelling; WR_F_NONE when it is none. */
wr_field wr_field_find(wr_text name);
/* As wr_field_find, among the keys of an entry of inputs[] or outputs[]. */
wr_field wr_field_find_entry(wr_text name);

/*
 * Slot for a field found under `name`: its own, or an alternative one when that is taken.
 * WR_F_NONE when there are too many alternatives.
 */
uint32_t wr_layout_add(wr_layout *l, wr_field f, wr_text name);

#endif

/*
 * snapshot_file_int.h - layout of a snapshot file, version 3; graph/ and its tests.
 *
 * Little-endian.  The table always names every section, in this order; an optional one
 * that is not there has offset 0.  Bytes between sections are zero.
 */
#ifndef WR_GRAPH_SNAPSHOT_FILE_INT_H
#define WR_GRAPH_SNAPSHOT_FILE_INT_H

#include "graph/ids_int.h"
#include "graph/snapshot_file.h"
#include "graph/snapshot_int.h"

#define WR_FILE_MAGIC      "WRSNAP\r\n" /* the line end shows a transfer as text */
#define WR_FILE_BYTE_ORDER UINT32_C(0x01020304)

enum { WR_FILE_ALIGN = 64, WR_FILE_CHAIN_BYTES = 48 };

typedef enum wr_file_section {
    WR_SECTION_FROM,
    WR_SECTION_TO,
    WR_SECTION_TIME,
    WR_SECTION_VALUE,
    WR_SECTION_ASSET, /* optional */
    WR_SECTION_SEQ,   /* optional */
    WR_SECTION_OUT_OFF,
    WR_SECTION_OUT_COL,
    WR_SECTION_IN_OFF,
    WR_SECTION_IN_COL,
    WR_SECTION_POUT_OFF,
    WR_SECTION_POUT_NBR,
    WR_SECTION_PIN_OFF,
    WR_SECTION_PIN_NBR,
    WR_SECTION_PIN_VALUE,
    WR_SECTION_PAIR_VALUE,
    WR_SECTION_PAIR_FIRST,
    WR_SECTION_REPEAT_BITS,
    WR_SECTION_REPEAT_BEFORE,
    WR_SECTION_REPEAT_COUNT,
    WR_SECTION_REPEAT_LAST,
    WR_SECTION_HUB,       /* optional */
    WR_SECTION_IDS_CHAIN, /* this and the next four: all there or none */
    WR_SECTION_IDS_CHAIN_OF,
    WR_SECTION_IDS_OFF,
    WR_SECTION_IDS_TEXT,
    WR_SECTION_IDS_SLOT,
    WR_SECTION_IDS_WALLET, /* optional even then */
    WR_SECTION_NOTE,
    WR_SECTION_COUNT
} wr_file_section;

typedef struct wr_file_entry {
    char name[16];
    uint64_t offset; /* of the file; a multiple of WR_FILE_ALIGN; 0 = not there */
    uint64_t bytes;
    uint8_t sha256[WR_SHA256_BYTES]; /* wr_digest_array of the bytes */
} wr_file_entry;

typedef struct wr_file_header {
    char magic[8];
    uint32_t byte_order;
    uint32_t version;
    uint32_t n;
    uint32_t sections; /* WR_SECTION_COUNT */
    uint64_t m, pairs;
    int64_t seq_base;
    uint64_t file_bytes;
    uint64_t repeats;
    wr_file_entry entry[WR_SECTION_COUNT];
    uint8_t sha256[WR_SHA256_BYTES]; /* wr_digest_array of all above */
} wr_file_header;

_Static_assert(sizeof(wr_file_entry) == 64, "no padding");
_Static_assert(sizeof(wr_file_header) == 64 + 64 * WR_SECTION_COUNT + WR_SHA256_BYTES,
               "no padding");

#endif

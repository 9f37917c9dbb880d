/* snapshot_seal.h - make a changed snapshot file pass its digests: what a forger would
 * do. */
#ifndef WR_TESTS_SNAPSHOT_SEAL_H
#define WR_TESTS_SNAPSHOT_SEAL_H

#include <string.h>

#include "graph/snapshot_file_int.h"

__attribute__((unused)) static void seal(uint8_t *file, size_t len)
{
    wr_file_header h;
    if (len < sizeof h)
        return;
    memcpy(&h, file, sizeof h);
    for (int k = 0; k < WR_SECTION_COUNT; k++) {
        wr_file_entry *e = &h.entry[k];
        if (e->offset != 0 && e->offset <= len && e->bytes <= len - e->offset &&
            wr_digest_array(e->sha256, file + e->offset, e->bytes, NULL) != WR_OK)
            return;
    }
    if (wr_digest_array(h.sha256, &h, offsetof(wr_file_header, sha256), NULL) == WR_OK)
        memcpy(file, &h, sizeof h);
}

#endif

#include "model/category.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

int wr_taxonomy_find(const wr_taxonomy *tx, wr_text id_or_concept)
{
    char word[sizeof tx->concept[0].word];
    if (id_or_concept.len == 0 || id_or_concept.len >= sizeof word)
        return -1;
    for (uint32_t i = 0; i < id_or_concept.len; i++)
        word[i] = (char)tolower((unsigned char)id_or_concept.p[i]);
    word[id_or_concept.len] = '\0';
    if (strlen(word) != id_or_concept.len) /* a NUL inside is no word of ours */
        return -1;

    for (uint32_t c = 0; c < tx->count; c++) {
        if (strcasecmp(tx->category[c].id, word) == 0)
            return (int)c;
    }
    uint32_t lo = 0;
    uint32_t hi = tx->concept_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int cmp = strcmp(tx->concept[mid].word, word);
        int category = tx->concept[mid].category;
        if (cmp == 0)
            return category;
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

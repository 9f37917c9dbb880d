/*
 * Lines of the Dumplings scanner (CoinJoin research):
 *   txid:::blockhash:::number:::unix time:::inputs:::outputs
 *   input  prevtxid-index-satoshi+scriptPubKey+type   joined by "}{"
 *   output satoshi+scriptPubKey+type                  joined by "}{"
 */
#include "codec/slice_int.h"

enum { PART_COUNT = 6 };

/* Text up to `mark`, taken off the front of rest; the whole rest when it is not there. */
static wr_text take(wr_text *rest, const char *mark)
{
    const char *at = rest->len ? memmem(rest->p, rest->len, mark, strlen(mark)) : NULL;
    wr_text head = *rest;
    if (!at) {
        *rest = (wr_text){0};
        return head;
    }
    head.len = (uint32_t)(at - rest->p);
    rest->p = at + strlen(mark);
    rest->len -= head.len + (uint32_t)strlen(mark);
    return head;
}

static uint32_t entry_count(wr_text list)
{
    uint32_t n = list.len > 0;
    while (list.len) {
        (void)take(&list, "}{");
        n += list.p != NULL;
    }
    return n;
}

/* amount+script+type, after the last '-' of what stands before the first '+'. */
static bool take_entry(wr_text text, wr_utxo_entry *e)
{
    wr_text rest = text;
    const wr_text amount = take(&rest, "+");
    const char *dash = memrchr(amount.p, '-', amount.len);
    const char *from = dash ? dash + 1 : amount.p;
    if (!rest.p)
        return false;
    e->amount = (wr_text){.p = from, .len = (uint32_t)(amount.p + amount.len - from)};
    e->script = take(&rest, "+");
    return rest.p != NULL;
}

static bool take_list(wr_decode *w, wr_field f, wr_text list, wr_utxo_entry *entry)
{
    for (uint32_t i = 0; list.len; i++)
        if (!take_entry(take(&list, "}{"), &entry[i])) {
            wr_decode_error(w, f, (wr_text){0}, WR_CODE_SYNTAX,
                            "%s[%u] is not amount+script+type", wr_field_name(f), i);
            return false;
        }
    return true;
}

bool wr_dumplings_record(wr_decode *w, wr_fields *r, wr_text line, wr_transfer_sink *sink)
{
    static const wr_layout layout = {
        .name = {[WR_F_TX_HASH] = {"txid", 4}, [WR_F_TIME] = {"time", 4}}};
    wr_text part[PART_COUNT] = {{0}};
    uint32_t n = 0;
    while (n < PART_COUNT && line.p)
        part[n++] = take(&line, ":::");
    if (n < PART_COUNT || line.p) {
        wr_decode_error(w, WR_F_NONE, (wr_text){0}, WR_CODE_SYNTAX,
                        "not %d parts separated by ':::'", (int)PART_COUNT);
        return false;
    }
    *r = (wr_fields){.layout = &layout};
    r->slot[WR_F_TX_HASH] = part[0];
    r->slot[WR_F_TIME] = part[3];
    wr_utxo_tx tx = {.in_count = entry_count(part[4]), .out_count = entry_count(part[5])};
    wr_utxo_entry *entry =
        wr_arena_alloc(w->arena, ((size_t)tx.in_count + tx.out_count) * sizeof *entry);
    if (!entry) {
        w->is_nomem = true;
        return false;
    }
    tx.in = entry;
    tx.out = entry + tx.in_count;
    return take_list(w, WR_F_INPUTS, part[4], entry) &&
           take_list(w, WR_F_OUTPUTS, part[5], entry + tx.in_count) &&
           wr_utxo_record(w, r, &tx, sink);
}

#include "codec/decode_int.h"

#include <stdarg.h>
#include <stdio.h>

enum { QUOTE_MAX = 48 };

/* --- errors ----------------------------------------------------------------------- */

/* "/a~1b" for the name "a/b"; cut at WR_POINTER_MAX. */
static void pointer_of(char out[WR_POINTER_MAX + 1], wr_text name)
{
    size_t n = 0;
    out[n++] = '/';
    for (uint32_t i = 0; i < name.len && n + 2 <= WR_POINTER_MAX; i++) {
        const char c = name.p[i];
        if (c == '~' || c == '/') {
            out[n++] = '~';
            out[n++] = c == '~' ? '0' : '1';
        } else {
            out[n++] = '?';
            if (c >= ' ' && c < 0x7f)
                out[n - 1] = c;
        }
    }
    out[n] = '\0';
}

void wr_decode_error_at(wr_decode *w, wr_field f, const char *pointer, const char *code,
                        const char *detail)
{
    if (w->errors->count == WR_FIELD_ERRORS_MAX)
        return;
    wr_field_error *e = &w->errors->item[w->errors->count++];
    (void)snprintf(e->field, sizeof e->field, "%s", wr_field_name(f));
    (void)snprintf(e->pointer, sizeof e->pointer, "%s", pointer);
    (void)snprintf(e->code, sizeof e->code, "%s", code);
    (void)snprintf(e->detail, sizeof e->detail, "%s", detail);
}

void wr_decode_error(wr_decode *w, wr_field f, wr_text name, const char *code,
                     const char *fmt, ...)
{
    char pointer[WR_POINTER_MAX + 1] = "";
    char detail[WR_DEAD_REASON_MAX];
    if (f != WR_F_NONE)
        pointer_of(pointer, name.p ? name : wr_text_of(wr_field_name(f)));
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    wr_decode_error_at(w, f, pointer, code, detail);
}

/* Name a slot was found under, for messages; our own name when it has none. */
wr_text wr_decode_name(const wr_fields *r, wr_field f)
{
    const wr_text name = r->layout->name[f];
    return name.p ? name : wr_text_of(wr_field_name(f));
}

void wr_decode_refused(wr_decode *w, const wr_fields *r, wr_field f, const wr_err *why)
{
    /* the model calls every number "amount ..." and every instant "time ..." */
    const char *msg = why->msg;
    if (strncmp(msg, "amount ", 7) == 0)
        msg += 7;
    else if (strncmp(msg, "time ", 5) == 0)
        msg += 5;
    const char *code = why->code == WR_ELIMIT ? WR_CODE_RANGE : WR_CODE_INVALID;
    wr_decode_error(w, f, r->layout->name[f], code, "%s %s",
                    wr_text_quote(wr_decode_name(r, f), QUOTE_MAX).s, msg);
}

/* --- slots ------------------------------------------------------------------------ */

static bool is_null_word(wr_text t)
{
    static const char *const word[] = {"null", "none", "nan", "undefined", "\\n"};
    if (t.len > 9)
        return false;
    char low[10];
    for (uint32_t i = 0; i < t.len; i++)
        low[i] = (char)(t.p[i] >= 'A' && t.p[i] <= 'Z' ? t.p[i] + 32 : t.p[i]);
    low[t.len] = '\0';
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (strcmp(low, word[i]) == 0)
            return true;
    return false;
}

static wr_text trim(wr_text t)
{
    while (t.len && (unsigned char)t.p[0] <= ' ') {
        t.p++;
        t.len--;
    }
    while (t.len && (unsigned char)t.p[t.len - 1] <= ' ')
        t.len--;
    return t;
}

wr_text wr_decode_clean(wr_text t)
{
    t = trim(t);
    if (!t.len || is_null_word(t))
        return (wr_text){0};
    return t;
}

/* --- chain ------------------------------------------------------------------------ */

static wr_status find_chain(const wr_chain **out, wr_text t, wr_err *err)
{
    char id[8 + WR_CHAIN_ID_MAX] = "eip155:";
    uint64_t number;
    if (t.len <= 18 && wr_decode_u64(t, UINT64_MAX, &number)) {
        int n = snprintf(id, sizeof id, "eip155:%llu", (unsigned long long)number);
        t = (wr_text){.p = id, .len = (uint32_t)n};
    }
    return wr_chain_find(out, t, err);
}

const wr_chain *wr_decode_chain(wr_decode *w, const wr_fields *r)
{
    const wr_text t = wr_decode_slot(r, WR_F_CHAIN);
    if (!t.p) {
        if (!w->d->chain)
            wr_decode_error(w, WR_F_CHAIN, r->layout->name[WR_F_CHAIN], WR_CODE_MISSING,
                            "chain is missing, and no default chain is set");
        return w->d->chain;
    }
    if (w->seen && wr_text_eq(t, w->seen_text))
        return w->seen;
    const wr_chain *chain = NULL;
    wr_err why = {0};
    if (find_chain(&chain, t, &why) != WR_OK) {
        wr_decode_error(w, WR_F_CHAIN, r->layout->name[WR_F_CHAIN], WR_CODE_INVALID, "%s",
                        why.msg);
        return NULL;
    }
    if (t.len < sizeof w->seen_buf) {
        memcpy(w->seen_buf, t.p, t.len);
        w->seen_text = (wr_text){.p = w->seen_buf, .len = t.len};
        w->seen = chain;
    }
    return chain;
}

/* --- addresses and hashes --------------------------------------------------------- */

/* Plain loops over a constant length: the compiler makes vectors of them. */
static inline bool is_lower_hex_40(const char *p)
{
    unsigned char bad = 0;
    for (int i = 0; i < 40; i++) {
        const unsigned char c = (unsigned char)p[i];
        bad |= (unsigned char)(((unsigned char)(c - '0') > 9) &
                               ((unsigned char)(c - 'a') > 5));
    }
    return !bad;
}

static inline bool is_lower_hex_64(const char *p)
{
    unsigned char bad = 0;
    for (int i = 0; i < 64; i++) {
        const unsigned char c = (unsigned char)p[i];
        bad |= (unsigned char)(((unsigned char)(c - '0') > 9) &
                               ((unsigned char)(c - 'a') > 5));
    }
    return !bad;
}

static inline bool is_graph(wr_text t)
{
    unsigned char bad = 0;
    for (uint32_t i = 0; i < t.len; i++)
        bad |= (unsigned char)((unsigned char)(t.p[i] - 0x21) > 0x7e - 0x21);
    return !bad;
}

/* Canonical already, seen without the model's help. */
static inline bool is_canonical(const wr_chain *chain, wr_text t)
{
    if (chain->address_kind == WR_ADDRESS_EVM)
        return t.len == 42 && t.p[0] == '0' && t.p[1] == 'x' && is_lower_hex_40(t.p + 2);
    return chain->address_kind == WR_ADDRESS_OPAQUE && t.len <= 64 && is_graph(t) &&
           !(t.len > 3 && memcmp(t.p, "tx:", 3) == 0); /* the model knows hubs */
}

/* The canonical text, in place when the record spells it so. */
static bool keep(wr_decode *w, wr_text raw, const char *canonical, size_t len,
                 wr_text *out)
{
    if (raw.len == len && memcmp(raw.p, canonical, len) == 0) {
        *out = raw;
        return true;
    }
    *out = wr_arena_text(w->arena, (wr_text){.p = canonical, .len = (uint32_t)len});
    w->is_nomem = w->is_nomem || !out->p;
    return out->p != NULL;
}

bool wr_decode_address(wr_decode *w, const wr_chain *chain, wr_text raw, wr_text *out,
                       wr_err *why)
{
    char buf[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    return wr_address_canonical(buf, &len, chain, raw, why) == WR_OK &&
           keep(w, raw, buf, len, out);
}

/* "bank:account" */
static wr_text with_bank(wr_decode *w, const wr_fields *r, wr_field bank, wr_text account)
{
    const wr_text b = wr_decode_slot(r, bank);
    if (!b.p || !account.p)
        return account;
    char *p = wr_arena_alloc(w->arena, (size_t)b.len + 1 + account.len);
    if (!p) {
        w->is_nomem = true;
        return (wr_text){0};
    }
    memcpy(p, b.p, b.len);
    p[b.len] = ':';
    memcpy(p + b.len + 1, account.p, account.len);
    return (wr_text){.p = p, .len = b.len + 1 + account.len};
}

static wr_text source_or_sink(wr_text account)
{
    if (account.len == 2 && memcmp(account.p, "-2", 2) == 0)
        return WR_TEXT_LIT("source");
    if (account.len == 2 && memcmp(account.p, "-1", 2) == 0)
        return WR_TEXT_LIT("sink");
    return account;
}

static bool refuse_wallet(wr_decode *w, const wr_fields *r, wr_field f)
{
    const wr_text name = r->layout->name[f];
    const wr_quote shown = wr_text_quote(wr_decode_name(r, f), QUOTE_MAX);
    const wr_text raw = r->slot[f];
    if (f == WR_F_TO && name.p && !raw.len)
        wr_decode_error(w, f, name, WR_CODE_MISSING,
                        "%s is empty (a contract creation?) and there is no "
                        "contract_address",
                        shown.s);
    else if (raw.len)
        wr_decode_error(w, f, name, WR_CODE_MISSING, "%s '%s' is empty", shown.s,
                        wr_text_quote(raw, QUOTE_MAX).s);
    else
        wr_decode_error(w, f, name, WR_CODE_MISSING, "%s is %s", shown.s,
                        raw.p ? "empty" : "missing");
    return false;
}

/* What decode_wallet cannot take in place. */
static bool decode_odd_wallet(wr_decode *w, const wr_fields *r, wr_field f,
                              const wr_chain *chain, wr_text *out)
{
    wr_text raw = wr_decode_slot(r, f);
    if (!raw.p && f == WR_F_TO)
        raw = wr_decode_slot(r, WR_F_CONTRACT);
    if (!raw.p)
        return refuse_wallet(w, r, f);
    if (w->d->preset->quirks & WR_QUIRK_SOURCE_SINK)
        raw = source_or_sink(raw);
    raw = with_bank(w, r, f == WR_F_FROM ? WR_F_FROM_BANK : WR_F_TO_BANK, raw);
    if (w->is_nomem)
        return false;
    if (is_canonical(chain, raw)) {
        *out = raw;
        return true;
    }
    wr_err why = {0};
    if (wr_decode_address(w, chain, raw, out, &why))
        return true;
    if (!w->is_nomem)
        wr_decode_error(w, f, r->layout->name[f], WR_CODE_INVALID, "%s: %s",
                        wr_text_quote(wr_decode_name(r, f), QUOTE_MAX).s, why.msg);
    return false;
}

bool wr_decode_wallet(wr_decode *w, const wr_fields *r, wr_field f, const wr_chain *chain,
                      wr_text *out)
{
    const wr_text raw = wr_decode_slot(r, f);
    if (raw.p && is_canonical(chain, raw) &&
        !(w->d->preset->quirks & WR_QUIRK_SOURCE_SINK) &&
        !r->layout->name[f == WR_F_FROM ? WR_F_FROM_BANK : WR_F_TO_BANK].p) {
        *out = raw;
        return true;
    }
    return decode_odd_wallet(w, r, f, chain, out);
}

static bool decode_odd_hash(wr_decode *w, const wr_fields *r, wr_text t,
                            const wr_chain *chain, wr_text *out)
{
    char buf[WR_TX_HASH_MAX + 1];
    size_t len = 0;
    wr_err why = {0};
    if (wr_tx_hash_canonical(buf, &len, chain, t, &why) == WR_OK)
        return keep(w, t, buf, len, out);
    wr_decode_error(w, WR_F_TX_HASH, r->layout->name[WR_F_TX_HASH], WR_CODE_INVALID, "%s",
                    why.msg);
    return false;
}

bool wr_decode_tx_hash(wr_decode *w, const wr_fields *r, const wr_chain *chain,
                       wr_text *out)
{
    wr_text t = wr_decode_slot(r, WR_F_TX_HASH);
    *out = (wr_text){0};
    if (!t.p)
        return true;
    const wr_address_kind kind = chain->address_kind;
    if (kind != WR_ADDRESS_OPAQUE && kind != WR_ADDRESS_PLAIN &&
        kind != WR_ADDRESS_SOLANA) {
        wr_text hex = t;
        if (hex.len == 66 && hex.p[0] == '0' && hex.p[1] == 'x')
            hex = (wr_text){.p = t.p + 2, .len = 64};
        if (hex.len == 64 && is_lower_hex_64(hex.p)) {
            *out = hex;
            return true;
        }
    }
    return decode_odd_hash(w, r, t, chain, out);
}

/* --- small fields ----------------------------------------------------------------- */

bool wr_decode_uint(wr_decode *w, const wr_fields *r, wr_field f, uint64_t max,
                    uint64_t *out)
{
    const wr_text t = wr_decode_slot(r, f);
    if (wr_decode_u64(t, max, out))
        return true;
    wr_decode_error(w, f, r->layout->name[f], WR_CODE_INVALID,
                    "%s '%s' is not a number from 0 to %llu",
                    wr_text_quote(wr_decode_name(r, f), QUOTE_MAX).s,
                    wr_text_quote(t, QUOTE_MAX).s, (unsigned long long)max);
    return false;
}

bool wr_decode_block(wr_decode *w, const wr_fields *r, int64_t *block)
{
    uint64_t v;
    *block = -1;
    if (!wr_decode_slot(r, WR_F_BLOCK).p)
        return true;
    if (!wr_decode_uint(w, r, WR_F_BLOCK, INT64_MAX, &v))
        return false;
    *block = (int64_t)v;
    return true;
}

bool wr_decode_memo(wr_decode *w, const wr_fields *r, wr_text *memo)
{
    *memo = trim(r->slot[WR_F_MEMO]);
    if (!memo->len)
        *memo = (wr_text){0};
    if (memo->len <= WR_MEMO_MAX)
        return true;
    wr_decode_error(w, WR_F_MEMO, r->layout->name[WR_F_MEMO], WR_CODE_LIMIT,
                    "memo '%s' has %u bytes, more than %d",
                    wr_text_quote(*memo, QUOTE_MAX).s, memo->len, (int)WR_MEMO_MAX);
    return false;
}

/* --- asset ------------------------------------------------------------------------ */

static bool is_zero_address(wr_text t)
{
    for (uint32_t i = 2; i < t.len; i++)
        if (t.p[i] != '0')
            return false;
    return true;
}

/* Token contract: "erc20:" and the canonical address; the zero address is the chain's
 * own. */
static bool token_asset(wr_decode *w, const wr_chain *chain, wr_text address,
                        wr_text *out, wr_err *why)
{
    char buf[6 + WR_ADDRESS_MAX + 1] = "erc20:";
    size_t len = 0;
    if (is_zero_address(address)) {
        *out = wr_text_of(chain->asset);
        return true;
    }
    if (wr_address_canonical(buf + 6, &len, chain, address, why) != WR_OK)
        return false;
    *out = wr_arena_text(w->arena, (wr_text){.p = buf, .len = (uint32_t)len + 6});
    w->is_nomem = w->is_nomem || !out->p;
    return out->p != NULL;
}

static bool decode_odd_asset(wr_decode *w, const wr_fields *r, wr_text t,
                             const wr_chain *chain, wr_text *out)
{
    wr_err why = {0};
    const wr_text own = wr_text_of(chain->asset);
    const bool is_evm = chain->address_kind == WR_ADDRESS_EVM;
    bool is_ok = true;
    if (t.len == own.len && strncasecmp(t.p, own.p, t.len) == 0)
        *out = own;
    else if (is_evm && t.len == 42 && t.p[0] == '0' && (t.p[1] | 0x20) == 'x')
        is_ok = token_asset(w, chain, t, out, &why);
    else if (is_evm && t.len == 48 && strncasecmp(t.p, "erc20:0x", 8) == 0)
        is_ok = token_asset(w, chain, (wr_text){.p = t.p + 6, .len = 42}, out, &why);
    else if (t.len > WR_ASSET_MAX)
        is_ok = wr_fail(&why, WR_EPARSE, "'%s' is longer than %d bytes",
                        wr_text_quote(t, QUOTE_MAX).s, (int)WR_ASSET_MAX) == WR_OK;
    else
        *out = t;
    for (uint32_t i = 0; is_ok && i < t.len; i++)
        if ((unsigned char)t.p[i] < ' ' || t.p[i] == 0x7f)
            is_ok = wr_fail(&why, WR_EPARSE, "'%s' has control characters",
                            wr_text_quote(t, QUOTE_MAX).s) == WR_OK;
    if (!is_ok && !w->is_nomem)
        wr_decode_error(w, WR_F_ASSET, r->layout->name[WR_F_ASSET], WR_CODE_INVALID,
                        "asset %s", why.msg);
    return is_ok;
}

bool wr_decode_asset(wr_decode *w, const wr_fields *r, const wr_chain *chain,
                     wr_text *out)
{
    wr_text t = wr_decode_slot(r, WR_F_ASSET);
    if (!t.p)
        t = wr_decode_slot(r, WR_F_SYMBOL);
    if (t.p && !wr_text_eq(t, w->own_asset))
        return decode_odd_asset(w, r, t, chain, out);
    *out = t.p || !w->d->asset[0] ? w->own_asset : wr_text_of(w->d->asset);
    return true;
}

#include "codec/json_int.h"

#include <jansson.h>

/* --- tokens ----------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static const char *digits_end(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

const char *wr_json_number_end(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    const char *from = p;
    p = digits_end(p, end);
    if (p == from || (*from == '0' && p - from > 1))
        return NULL;
    if (p < end && *p == '.') {
        from = ++p;
        p = digits_end(p, end);
        if (p == from)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        from = p;
        p = digits_end(p, end);
        if (p == from)
            return NULL;
    }
    return p;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* --- flat objects ----------------------------------------------------------------- */

/* End of a string of printable ASCII without escapes; p is behind its first quote. */
static const char *plain_string(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '"')
            return p;
        if (*p == '\\' || (unsigned char)(*p - ' ') > 0x7e - ' ')
            return NULL;
    }
    return NULL;
}

/* true, false, null or a number; past it, or NULL. */
static const char *plain_word(const char *p, const char *end, wr_text *out)
{
    static const wr_text word[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    for (int i = 0; i < 3; i++)
        if ((size_t)(end - p) >= word[i].len && memcmp(p, word[i].p, word[i].len) == 0) {
            *out = i == 2 ? (wr_text){0} : (wr_text){.p = p, .len = word[i].len};
            return p + word[i].len;
        }
    const char *to = wr_json_number_end(p, end);
    if (to)
        *out = (wr_text){.p = p, .len = (uint32_t)(to - p)};
    return to;
}

bool wr_json_flat(wr_json_pairs *out, const char *p, size_t len)
{
    const char *end = p + len;
    out->count = 0;
    if (len > WR_RECORD_MAX_BYTES)
        return false;
    p = skip_blanks(p, end);
    if (p == end || *p++ != '{')
        return false;
    do {
        wr_text key;
        wr_text value;
        p = skip_blanks(p, end);
        if (out->count == WR_JSON_KEYS_MAX || p == end || *p++ != '"')
            return false;
        const char *to = plain_string(p, end);
        if (!to)
            return false;
        key = (wr_text){.p = p, .len = (uint32_t)(to - p)};
        p = skip_blanks(to + 1, end);
        if (p == end || *p++ != ':')
            return false;
        p = skip_blanks(p, end);
        if (p < end && *p == '"') {
            to = plain_string(++p, end);
            value = (wr_text){.p = p, .len = to ? (uint32_t)(to - p) : 0};
            p = to ? to + 1 : NULL;
        } else {
            p = plain_word(p, end, &value);
        }
        if (!p)
            return false;
        out->key[out->count] = key;
        out->value[out->count++] = value;
        p = skip_blanks(p, end);
    } while (p < end && *p++ == ',');
    return p <= end && p[-1] == '}' && skip_blanks(p, end) == end;
}

/* --- guard ------------------------------------------------------------------------ */

/* Past the closing quote, or end. */
static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

/* A bare number as a key would pass once it is quoted. */
static bool is_key(const char *p, const char *end)
{
    p = skip_blanks(p, end);
    return p < end && *p == ':';
}

bool wr_json_guard(wr_decode *w, wr_buf *out, const char *p, size_t len)
{
    const char *end = p + len;
    const wr_text none = {0};
    if (len > WR_RECORD_MAX_BYTES) {
        wr_decode_error(w, WR_F_NONE, none, WR_CODE_LIMIT,
                        "record of %zu bytes is over the limit of %d", len,
                        (int)WR_RECORD_MAX_BYTES);
        return false;
    }
    wr_buf_clear(out);
    uint32_t depth = 0;
    for (const char *from = p; p < end; from = p) {
        if (*p == '"') {
            p = string_end(p, end);
            wr_buf_add(out, from, (size_t)(p - from));
        } else if (*p == '-' || is_digit(*p)) {
            p = wr_json_number_end(p, end);
            if (!p || (p < end && (is_digit(*p) || strchr("+-.eExXn", *p))) ||
                is_key(p, end)) {
                const size_t left = (size_t)(end - from);
                wr_decode_error(
                    w, WR_F_NONE, none, WR_CODE_SYNTAX, "json: '%s' is no number",
                    wr_text_quote((wr_text){from, left < 24 ? (uint32_t)left : 24}, 24)
                        .s);
                return false;
            }
            wr_buf_add(out, "\"", 1);
            wr_buf_add(out, from, (size_t)(p - from));
            wr_buf_add(out, "\"", 1);
        } else {
            depth += *p == '{' || *p == '[';
            depth -= depth && (*p == '}' || *p == ']');
            if (depth > WR_JSON_DEPTH_MAX) {
                wr_decode_error(w, WR_F_NONE, none, WR_CODE_LIMIT,
                                "json: nested deeper than %d", (int)WR_JSON_DEPTH_MAX);
                return false;
            }
            for (p++; p < end && *p != '"' && *p != '-' && !is_digit(*p) && *p != '{' &&
                      *p != '[' && *p != '}' && *p != ']';)
                p++;
            wr_buf_add(out, from, (size_t)(p - from));
        }
    }
    w->is_nomem = w->is_nomem || out->status != WR_OK;
    return !w->is_nomem;
}

/* --- pairs to slots --------------------------------------------------------------- */

static bool has_same_keys(const wr_json_keys *keys, const wr_json_pairs *pairs)
{
    if (keys->count != pairs->count || !keys->count)
        return false;
    for (uint32_t i = 0; i < pairs->count; i++)
        if (!wr_text_eq(keys->key[i], pairs->key[i]))
            return false;
    return true;
}

static bool learn_keys(wr_decode *w, wr_json_keys *keys, const wr_json_pairs *pairs)
{
    memset(&keys->layout, 0, sizeof keys->layout);
    memset(&keys->fields, 0, sizeof keys->fields);
    keys->fields.layout = &keys->layout;
    keys->count = 0;
    for (uint32_t i = 0; i < pairs->count; i++) {
        const wr_text key = pairs->key[i];
        const uint32_t len = key.len < WR_NAME_MAX ? key.len : WR_NAME_MAX;
        memcpy(keys->text[i], key.p, len);
        keys->key[i] = (wr_text){.p = keys->text[i], .len = len};
        const wr_field f = key.len > len ? WR_F_NONE : wr_decoder_field(w->d, key);
        keys->slot[i] = (uint8_t)wr_layout_add(&keys->layout, f, keys->key[i]);
        if (f != WR_F_NONE && keys->slot[i] == WR_F_NONE) {
            wr_decode_error(w, f, key, WR_CODE_CONFLICT, "%s: too many spellings of %s",
                            wr_text_quote(key, 40).s, wr_field_name(f));
            return false;
        }
    }
    keys->count = pairs->count;
    return true;
}

bool wr_json_assign(wr_decode *w, wr_json_keys *keys, const wr_json_pairs *pairs)
{
    if (!has_same_keys(keys, pairs) && !learn_keys(w, keys, pairs))
        return false;
    for (uint32_t i = 0; i < pairs->count; i++)
        keys->fields.slot[keys->slot[i]] = pairs->value[i];
    return true;
}

/* A key that comes twice; only asked for keys that are new. */
static bool has_duplicate(const wr_json_pairs *pairs)
{
    for (uint32_t i = 1; i < pairs->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (wr_text_eq(pairs->key[i], pairs->key[k]))
                return true;
    return false;
}

/* --- whole objects ---------------------------------------------------------------- */

static void free_json(json_t **j)
{
    json_decref(*j);
}

/* Copy of a scalar's text in the arena; false for a container. */
static bool scalar_text(wr_decode *w, const json_t *j, wr_text *out)
{
    *out = (wr_text){0};
    if (json_is_null(j))
        return true;
    if (json_is_boolean(j)) {
        *out = json_is_true(j) ? WR_TEXT_LIT("true") : WR_TEXT_LIT("false");
        return true;
    }
    if (!json_is_string(j))
        return false;
    const wr_text t = {.p = json_string_value(j), .len = (uint32_t)json_string_length(j)};
    *out = wr_arena_text(w->arena, t);
    w->is_nomem = w->is_nomem || !out->p;
    return true;
}

/* Known scalar fields to pairs; the two lists of a UTXO transaction by reference. */
static bool take_members(wr_decode *w, json_t *root, wr_json_pairs *pairs, wr_utxo_tx *tx,
                         json_t *list[2])
{
    const char *name;
    json_t *value;
    pairs->count = 0;
    json_object_foreach(root, name, value)
    {
        const wr_text key = wr_text_of(name);
        const wr_field f =
            key.len > WR_NAME_MAX ? WR_F_NONE : wr_decoder_field(w->d, key);
        if (f == WR_F_NONE)
            continue;
        if ((f == WR_F_INPUTS || f == WR_F_OUTPUTS) && json_is_array(value)) {
            list[f == WR_F_OUTPUTS] = value;
            *(f == WR_F_OUTPUTS ? &tx->out_name : &tx->in_name) = key;
            continue;
        }
        if (pairs->count == WR_JSON_KEYS_MAX) {
            wr_decode_error(w, f, key, WR_CODE_CONFLICT,
                            "more than %d spellings of fields", (int)WR_JSON_KEYS_MAX);
            return false;
        }
        pairs->key[pairs->count] = key;
        if (!scalar_text(w, value, &pairs->value[pairs->count++])) {
            wr_decode_error(w, f, key, WR_CODE_INVALID, "%s is a list or an object",
                            wr_text_quote(key, 40).s);
            return false;
        }
    }
    return true;
}

/* Entries of inputs or outputs: objects of scalars. */
static bool take_entries(wr_decode *w, wr_field f, wr_text list_name, const json_t *list,
                         wr_utxo_entry *entry /* [json_array_size(list)] */)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        wr_utxo_entry *e = &entry[i];
        const char *name;
        json_t *value;
        bool is_ok = json_is_object(item);
        json_object_foreach(item, name, value)
        {
            const wr_text key = wr_text_of(name);
            wr_text t;
            switch ((int)wr_field_find_entry(key)) {
            case WR_F_ADDRESS:
                is_ok &= scalar_text(w, value, &t);
                e->address = t.p ? t : e->address;
                e->address_name = key;
                break;
            case WR_F_SCRIPT:
                is_ok &= scalar_text(w, value, &e->script);
                break;
            case WR_F_AMOUNT:
                is_ok &= scalar_text(w, value, &e->amount);
                e->amount_name = key;
                break;
            case WR_F_VALUE:
                is_ok &= scalar_text(w, value, &e->value);
                e->value_name = key;
                break;
            default:
                break;
            }
        }
        if (!is_ok) {
            wr_decode_error(w, f, list_name, WR_CODE_INVALID,
                            "%s[%zu] is not an object of address and value",
                            wr_text_quote(list_name, 20).s, i);
            return false;
        }
    }
    return !w->is_nomem;
}

static bool utxo_of(wr_decode *w, wr_fields *r, wr_utxo_tx *tx, json_t *const list[2],
                    wr_transfer_sink *sink)
{
    const wr_text *name = r->layout->name;
    if (name[WR_F_FROM].p || name[WR_F_TO].p) {
        wr_decode_error(
            w, WR_F_INPUTS, list[0] ? tx->in_name : tx->out_name, WR_CODE_CONFLICT,
            "a record has %s and %s; it is one or the other",
            name[WR_F_FROM].p ? "from" : "to", list[0] ? "inputs" : "outputs");
        return false;
    }
    tx->in_count = (uint32_t)json_array_size(list[0]);
    tx->out_count = (uint32_t)json_array_size(list[1]);
    const size_t n = (size_t)tx->in_count + tx->out_count;
    wr_utxo_entry *entry = wr_arena_alloc(w->arena, n * sizeof *entry);
    if (!entry) {
        w->is_nomem = true;
        return false;
    }
    tx->in = entry;
    tx->out = entry + tx->in_count;
    return (!list[0] || take_entries(w, WR_F_INPUTS, tx->in_name, list[0], entry)) &&
           (!list[1] ||
            take_entries(w, WR_F_OUTPUTS, tx->out_name, list[1], entry + tx->in_count)) &&
           wr_utxo_record(w, r, tx, sink);
}

static bool account_record(wr_decode *w, wr_fields *r, wr_transfer_sink *sink)
{
    wr_transfer *t = wr_transfer_sink_next(sink);
    w->is_nomem = w->is_nomem || !t;
    if (!t || !wr_decode_record(w, r, t))
        return false;
    wr_transfer_sink_keep(sink, w->key);
    return true;
}

static bool whole_record(wr_decode *w, wr_json_state *st, const char *p, size_t len,
                         wr_transfer_sink *sink)
{
    const wr_text none = {0};
    if (!wr_json_guard(w, &st->text, p, len))
        return false;
    json_error_t why = {0};
    __attribute__((cleanup(free_json))) json_t *root = json_loadb(
        st->text.len ? st->text.p : "", st->text.len, JSON_REJECT_DUPLICATES, &why);
    if (!root && json_error_code(&why) == json_error_out_of_memory) {
        w->is_nomem = true;
        return false;
    }
    if (!json_is_object(root)) {
        const wr_text said = wr_text_of(why.text);
        wr_decode_error(w, WR_F_NONE, none, WR_CODE_SYNTAX, "json: %s",
                        root ? "an object is expected" : wr_text_quote(said, 60).s);
        return false;
    }
    json_t *list[2] = {NULL, NULL};
    wr_utxo_tx tx = {0};
    if (!take_members(w, root, &st->pairs, &tx, list) || w->is_nomem ||
        !wr_json_assign(w, &st->keys, &st->pairs))
        return false;
    if (list[0] || list[1])
        return utxo_of(w, &st->keys.fields, &tx, list, sink);
    return account_record(w, &st->keys.fields, sink);
}

bool wr_json_record(wr_decode *w, wr_json_state *st, const char *p, size_t len,
                    bool is_flat_allowed, wr_transfer_sink *sink)
{
    if (is_flat_allowed && wr_json_flat(&st->pairs, p, len) &&
        (has_same_keys(&st->keys, &st->pairs) || !has_duplicate(&st->pairs))) {
        if (!wr_json_assign(w, &st->keys, &st->pairs))
            return false;
        return account_record(w, &st->keys.fields, sink);
    }
    return whole_record(w, st, p, len, sink);
}

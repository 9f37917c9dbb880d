#include "scoring/ubj_int.h"

#include <string.h>

/* Bytes of a number's content; 0 = no number. */
static size_t width(char type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static int64_t integer(const uint8_t *p, char type)
{
    const uint64_t v = big_endian(p, width(type));
    switch (type) {
    case 'i':
        return (int8_t)v;
    case 'I':
        return (int16_t)v;
    case 'l':
        return (int32_t)v;
    default:
        return (int64_t)v;
    }
}

static bool is_integer(char type)
{
    return type == 'i' || type == 'U' || type == 'I' || type == 'l' || type == 'L';
}

/* A length: type and content.  Moves *at. */
static bool read_count(size_t *out, const wr_ubj *u, size_t *at)
{
    if (*at >= u->len || !is_integer((char)u->p[*at]))
        return false;
    const char type = (char)u->p[*at];
    if (u->len - *at - 1 < width(type))
        return false;
    const int64_t n = integer(u->p + *at + 1, type);
    if (n < 0 || (uint64_t)n > u->len)
        return false;
    *at += 1 + width(type);
    *out = (size_t)n;
    return true;
}

static bool read_value(wr_ubj_value *out, const wr_ubj *u, size_t at, int depth,
                       size_t *bad);

/* Keys have no type of their own. */
static bool skip_members(const wr_ubj *u, size_t *at, int depth, size_t *bad)
{
    for (;;) {
        size_t n;
        wr_ubj_value v;
        *bad = *at;
        if (*at >= u->len)
            return false;
        if (u->p[*at] == '}') {
            ++*at;
            return true;
        }
        if (!read_count(&n, u, at) || u->len - *at < n)
            return false;
        if (!read_value(&v, u, *at + n, depth + 1, bad))
            return false;
        *at = v.end;
    }
}

static bool read_array(wr_ubj_value *v, const wr_ubj *u, size_t at, int depth,
                       size_t *bad)
{
    *bad = at;
    if (u->len - at >= 2 && u->p[at] == '$') {
        v->item = (char)u->p[at + 1];
        at += 2;
        if (width(v->item) == 0)
            return false;
    }
    if (at >= u->len || u->p[at] != '#') /* XGBoost always writes the count */
        return false;
    at++;
    if (!read_count(&v->count, u, &at))
        return false;
    v->at = at;
    if (v->item) {
        if ((u->len - at) / width(v->item) < v->count)
            return false;
        v->end = at + v->count * width(v->item);
        return true;
    }
    for (size_t i = 0; i < v->count; i++) {
        wr_ubj_value item;
        if (!read_value(&item, u, at, depth + 1, bad))
            return false;
        at = item.end;
    }
    v->end = at;
    return true;
}

static bool read_value(wr_ubj_value *out, const wr_ubj *u, size_t at, int depth,
                       size_t *bad)
{
    wr_ubj_value v = {0};
    *bad = at;
    if (at >= u->len || depth > WR_UBJ_DEPTH_MAX)
        return false;
    v.type = (char)u->p[at++];
    v.at = v.end = at;
    if (v.type == '{') {
        if (!skip_members(u, &v.end, depth, bad))
            return false;
    } else if (v.type == '[') {
        if (!read_array(&v, u, at, depth, bad))
            return false;
    } else if (v.type == 'S') {
        if (!read_count(&v.count, u, &v.at) || u->len - v.at < v.count)
            return false;
        v.end = v.at + v.count;
    } else if (width(v.type) > 0) {
        if (u->len - at < width(v.type))
            return false;
        v.end = at + width(v.type);
    } else if (v.type != 'T' && v.type != 'F' && v.type != 'Z')
        return false;
    *out = v;
    return true;
}

bool wr_ubj_read(wr_ubj_value *out, const wr_ubj *u, size_t at, size_t *bad)
{
    return read_value(out, u, at, 0, bad);
}

bool wr_ubj_get(wr_ubj_value *out, const wr_ubj *u, const wr_ubj_value *object,
                const char *key)
{
    const size_t len = strlen(key);
    size_t at = object->at;
    size_t bad;
    if (object->type != '{')
        return false;
    while (u->p[at] != '}') { /* it was read whole */
        size_t n;
        wr_ubj_value v;
        if (!read_count(&n, u, &at) || !read_value(&v, u, at + n, 1, &bad))
            return false;
        if (n == len && memcmp(u->p + at, key, n) == 0) {
            *out = v;
            return true;
        }
        at = v.end;
    }
    return false;
}

bool wr_ubj_is_text(const wr_ubj *u, const wr_ubj_value *v, const char *text)
{
    return v->type == 'S' && v->count == strlen(text) &&
           memcmp(u->p + v->at, text, v->count) == 0;
}

bool wr_ubj_is_ints(const wr_ubj_value *v)
{
    return v->type == '[' && is_integer(v->item);
}

int64_t wr_ubj_int(const wr_ubj *u, const wr_ubj_value *v, size_t i)
{
    return integer(u->p + v->at + i * width(v->item), v->item);
}

bool wr_ubj_is_floats(const wr_ubj_value *v)
{
    return v->type == '[' && v->item == 'd';
}

float wr_ubj_float(const wr_ubj *u, const wr_ubj_value *v, size_t i)
{
    const uint32_t bits = (uint32_t)big_endian(u->p + v->at + 4 * i, 4);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

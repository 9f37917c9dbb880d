/*
 * ubj_int.h - reading UBJSON in place: what the bytes of a model consist of.
 *
 * A value is a window into the bytes: nothing is copied and nothing allocated.  Reading
 * one finds its end, so a window that was handed out is whole; every length is checked
 * against what is left, and nesting ends at WR_UBJ_DEPTH_MAX.
 * Source  UBJSON draft 12 (big-endian numbers, strongly typed arrays)
 * Thread  safe
 */
#ifndef WR_SCORING_UBJ_INT_H
#define WR_SCORING_UBJ_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_UBJ_DEPTH_MAX = 16 };

typedef struct wr_ubj {
    const uint8_t *p;
    size_t len;
} wr_ubj;

typedef struct wr_ubj_value {
    char type;    /* '{' '[' 'S' 'i' 'U' 'I' 'l' 'L' 'd' 'D' 'T' 'F' 'Z' */
    char item;    /* of a typed array; 0 = each item brings its own */
    size_t at;    /* first byte of the content */
    size_t count; /* items of an array, bytes of a string */
    size_t end;   /* byte behind the value */
} wr_ubj_value;

/* The value that starts at byte `at`; false: there is none, *bad says at which byte. */
bool wr_ubj_read(wr_ubj_value *out, const wr_ubj *u, size_t at, size_t *bad);

/* Member of an object; false: no object, or no such member. */
bool wr_ubj_get(wr_ubj_value *out, const wr_ubj *u, const wr_ubj_value *object,
                const char *key);

bool wr_ubj_is_text(const wr_ubj *u, const wr_ubj_value *v, const char *text);

/* Item i < count of a typed array of integers or of numbers. */
bool wr_ubj_is_ints(const wr_ubj_value *v);
int64_t wr_ubj_int(const wr_ubj *u, const wr_ubj_value *v, size_t i);
bool wr_ubj_is_floats(const wr_ubj_value *v); /* 32 bit */
float wr_ubj_float(const wr_ubj *u, const wr_ubj_value *v, size_t i);

#endif

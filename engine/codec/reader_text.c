#include "codec/reader_int.h"

/* Text for about batch_rows records, within bounds, and not beyond a small file. */
size_t wr_reader_target(const wr_transfer_reader *r)
{
    const wr_input_info at = wr_input_tell(r->in);
    const double bytes = 0.97 * r->record_bytes * (double)r->batch_rows;
    if (at.kind == WR_INPUT_PLAIN && at.file_total && at.file_total < WR_TEXT_MIN)
        return (size_t)at.file_total + 1;
    return bytes < WR_TEXT_MIN   ? WR_TEXT_MIN
           : bytes > WR_TEXT_MAX ? WR_TEXT_MAX
                                 : (size_t)bytes;
}

static wr_status text_reserve(wr_transfer_batch_own *own, size_t bytes, wr_err *err)
{
    if (own->text && bytes + WR_CSV_PAD <= own->text_cap)
        return WR_OK;
    size_t cap = own->text_cap * 2 > bytes ? own->text_cap * 2 : bytes;
    char *text = wr_alloc_big(cap + WR_CSV_PAD, 1);
    if (!text)
        return wr_batch_nomem(err);
    if (own->text && own->text_len)
        memcpy(text, own->text, own->text_len);
    wr_free(own->text);
    own->text = text;
    own->text_cap = cap + WR_CSV_PAD;
    return WR_OK;
}

/* The input has nothing more, and what was read of it is in the text. */
bool wr_reader_is_drained(const wr_transfer_reader *r)
{
    return r->is_end || (r->failed.code != WR_OK && r->carry_pos == r->carry_len);
}

/* Some bytes behind the text, first those that were read before; want > 0. */
static wr_status text_pull(wr_transfer_reader *r, char *to, size_t want, size_t *got)
{
    const size_t held = r->carry_len - r->carry_pos;
    if (!held)
        return wr_input_read(r->in, to, want, got, &r->failed);
    *got = want < held ? want : held;
    memcpy(to, r->carry + r->carry_pos, *got);
    r->carry_pos += *got;
    return WR_OK;
}

/* Read until the text has `bytes`, or the input ends or fails (which is kept). */
wr_status wr_reader_fill(wr_transfer_reader *r, wr_transfer_batch_own *own, size_t bytes,
                         wr_err *err)
{
    WR_TRY(text_reserve(own, bytes, err));
    while (own->text_len < bytes && !wr_reader_is_drained(r)) {
        const uint64_t limit = r->stop_at - (r->offset + own->text_len);
        size_t want = bytes - own->text_len;
        size_t got = 0;
        if (want > limit)
            want = (size_t)limit;
        if (want && text_pull(r, own->text + own->text_len, want, &got) != WR_OK)
            break;
        r->is_end = got == 0;
        own->text_len += got;
    }
    memset(own->text + own->text_len, 0, WR_CSV_PAD);
    return WR_OK;
}

/* Bytes that are done with: they enter mark and digest. */
void wr_reader_take(wr_transfer_reader *r, const char *from, size_t bytes)
{
    wr_prefix_add(&r->prefix, from, bytes);
    r->offset += bytes;
}

/* What no record of this batch took waits for the next one, before what is held already.
 */
wr_status wr_reader_keep(wr_transfer_reader *r, const char *from, size_t bytes,
                         wr_err *err)
{
    const size_t held = r->carry_len - r->carry_pos;
    char *carry = wr_grow(r->carry, &r->carry_cap, bytes + held, 1);
    if (!carry)
        return wr_batch_nomem(err);
    r->carry = carry;
    memmove(carry + bytes, carry + r->carry_pos, held);
    if (bytes)
        memcpy(carry, from, bytes);
    r->carry_pos = 0;
    r->carry_len = bytes + held;
    return WR_OK;
}

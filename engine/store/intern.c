#include "store/intern_int.h"

#include "util/digest.h"
#include "util/mem.h"

/* A stored text: chain (4 bytes), length (4 bytes), bytes. */
enum { HEAD_BYTES = 8, FIRST_CAP = 256 };
#define FREE      0U
#define GONE      1U
#define ID_OF(id) ((id) + 2U) /* asset ids begin at 0 */

void wr_intern_init(wr_intern *in, size_t max_bytes)
{
    *in = (wr_intern){.max_bytes = max_bytes};
}

void wr_intern_release(wr_intern *in)
{
    wr_free(in->slot);
    wr_free(in->text);
    *in = (wr_intern){.max_bytes = in->max_bytes};
}

void wr_intern_clear(wr_intern *in)
{
    if (in->slot)
        memset(in->slot, 0, in->cap * sizeof *in->slot);
    in->used = in->live = in->text_len = 0;
}

uint64_t wr_intern_hash(uint32_t chain_id, wr_text t)
{
    return wr_hash64(t.p, t.len, chain_id);
}

static bool is_same(const wr_intern *in, uint64_t at, uint32_t chain_id, wr_text t)
{
    const char *p = in->text + at;
    uint32_t head[2];
    memcpy(head, p, sizeof head);
    return head[0] == chain_id && head[1] == t.len &&
           (t.len == 0 || memcmp(p + HEAD_BYTES, t.p, t.len) == 0);
}

bool wr_intern_find(const wr_intern *in, uint64_t hash, uint32_t chain_id, wr_text t,
                    uint32_t *id)
{
    if (in->cap == 0)
        return false;
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = hash & (in->cap - 1); in->slot[i].id != FREE;
         i = (i + 1) & (in->cap - 1)) {
        const wr_intern_slot *s = &in->slot[i];
        if (s->id != GONE && s->tag == tag && is_same(in, s->at, chain_id, t)) {
            *id = s->id - ID_OF(0);
            return true;
        }
    }
    return false;
}

static void place(wr_intern_slot *slot, size_t cap, uint64_t hash, uint32_t id,
                  uint64_t at)
{
    size_t i = hash & (cap - 1);
    while (slot[i].id != FREE)
        i = (i + 1) & (cap - 1);
    slot[i] = (wr_intern_slot){.tag = (uint32_t)(hash >> 32), .id = id, .at = at};
}

/* A bigger slot array (or one without gone slots); texts stay where they are. */
static wr_status rebuild(wr_intern *in, wr_err *err)
{
    size_t cap = in->cap ? in->cap : FIRST_CAP;
    while ((in->live + 1) * 2 > cap)
        cap *= 2;
    if (cap * sizeof *in->slot + in->text_len > in->max_bytes)
        return wr_fail(err, WR_ELIMIT, "text cache: over %zu bytes", in->max_bytes);
    wr_intern_slot *slot = wr_calloc(cap, sizeof *slot);
    if (!slot)
        return wr_fail(err, WR_ENOMEM, "text cache of %zu slots", cap);
    for (size_t i = 0; i < in->cap; i++) {
        const wr_intern_slot *s = &in->slot[i];
        if (s->id == FREE || s->id == GONE)
            continue;
        uint32_t head[2];
        memcpy(head, in->text + s->at, sizeof head);
        wr_text t = {.p = in->text + s->at + HEAD_BYTES, .len = head[1]};
        place(slot, cap, wr_intern_hash(head[0], t), s->id, s->at);
    }
    wr_free(in->slot);
    in->slot = slot;
    in->cap = cap;
    in->used = in->live;
    return WR_OK;
}

wr_status wr_intern_add(wr_intern *in, uint64_t hash, uint32_t chain_id, wr_text t,
                        uint32_t id, wr_err *err)
{
    size_t need = HEAD_BYTES + t.len;
    if (id > WR_INTERN_ID_MAX ||
        in->cap * sizeof *in->slot + in->text_len + need > in->max_bytes)
        return wr_fail(err, WR_ELIMIT, "text cache: over %zu bytes", in->max_bytes);
    if (in->text_len + need > in->text_cap) {
        char *text = wr_grow(in->text, &in->text_cap, in->text_len + need, 1);
        if (!text)
            return wr_fail(err, WR_ENOMEM, "text cache of %zu bytes",
                           in->text_len + need);
        in->text = text;
    }
    if ((in->used + 1) * 8 > in->cap * 5)
        WR_TRY(rebuild(in, err));
    uint32_t head[2] = {chain_id, t.len};
    memcpy(in->text + in->text_len, head, sizeof head);
    if (t.len)
        memcpy(in->text + in->text_len + HEAD_BYTES, t.p, t.len);
    place(in->slot, in->cap, hash, ID_OF(id), in->text_len);
    in->text_len += need;
    in->used++;
    in->live++;
    return WR_OK;
}

void wr_intern_forget_above(wr_intern *in, uint32_t keep)
{
    for (size_t i = 0; i < in->cap; i++) {
        wr_intern_slot *s = &in->slot[i];
        if (s->id == FREE || s->id == GONE || s->id <= ID_OF(keep))
            continue;
        s->id = GONE;
        in->live--;
    }
}

/* The sweep against its definition, with and without this machine's instructions. */
#include "scoring/spmm_int.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "wr_test.h"

static uint32_t block_first(const wr_spmm *a, uint32_t b)
{
    return a->part[b * WR_SPMM_PARTS];
}

/* Lines and blocks of random lengths; head lines read only slots that no line writes. */
static void random_spmm(wr_spmm *a, uint64_t seed, uint32_t ld, bool masked)
{
    wr_rng r = {.s = seed};
    const uint32_t lines = (uint32_t)wr_rng_below(&r, 400);
    const uint32_t extra = 1 + (uint32_t)wr_rng_below(&r, 50);
    const uint64_t room = 40ULL * lines;
    *a = (wr_spmm){.slots = lines + extra, .lines = lines, .ld = ld};
    a->head = (uint32_t)wr_rng_below(&r, lines / 4 + 1);
    a->off = wr_calloc(lines + 1ULL, sizeof *a->off);
    a->at = wr_calloc(lines, sizeof *a->at);
    a->count = wr_calloc(lines, sizeof *a->count);
    a->blocks = (uint32_t)wr_rng_below(&r, 6);
    a->part = wr_calloc(a->blocks * (size_t)WR_SPMM_PARTS + 1, sizeof *a->part);
    a->edge = wr_alloc_big(room, sizeof *a->edge);
    a->mask = masked ? wr_alloc_big(room, sizeof *a->mask) : NULL;
    for (uint32_t l = 0; l < lines; l++) {
        a->at[l] = extra + l;
        a->off[l + 1] = a->off[l] + wr_rng_below(&r, 40);
        const uint64_t length = a->off[l + 1] - a->off[l];
        a->count[l] = (uint32_t)(length - wr_rng_below(&r, length + 1) / 3);
        for (uint64_t i = a->off[l]; i < a->off[l + 1]; i++) { /* the room too */
            const uint32_t sources = l < a->head ? extra : a->slots;
            a->edge[i].slot = (uint32_t)wr_rng_below(&r, sources);
            a->edge[i].weight = (float)wr_rng_unit(&r) / 40;
            if (masked)
                a->mask[i] = (uint16_t)wr_rng_u64(&r);
        }
    }
    const uint32_t parts = a->blocks * WR_SPMM_PARTS;
    a->part[0] = a->head;
    for (uint32_t p = 1; p <= parts; p++) {
        const uint32_t left = lines - a->part[p - 1];
        const uint32_t length = (uint32_t)wr_rng_below(&r, 2 * left / WR_SPMM_PARTS + 2);
        a->part[p] =
            p == parts ? lines : a->part[p - 1] + (length < left ? length : left);
    }
    for (uint32_t b = 0; b < a->blocks; b++) {
        const uint32_t length = block_first(a, b + 1) - block_first(a, b);
        a->block_max = length > a->block_max ? length : a->block_max;
    }
}

static void slow_lines(const wr_spmm *a, float *to, const float *x, uint32_t from,
                       uint32_t end, float *change)
{
    for (uint32_t l = from; l < end; l++)
        for (uint32_t c = 0; c < a->ld; c++) {
            double sum = 0;
            for (uint64_t i = a->off[l]; i < a->off[l] + a->count[l]; i++)
                if (!a->mask || (a->mask[i] >> c & 1))
                    sum += (double)a->edge[i].weight *
                           (double)x[(size_t)a->edge[i].slot * a->ld + c];
            const size_t at = (size_t)a->at[l] * a->ld + c;
            to[at] = (float)sum;
            if (change)
                *change = fmaxf(*change, fabsf(to[at] - x[at]));
        }
}

static float slow_step(const wr_spmm *a, float *x)
{
    const size_t cells = (size_t)a->slots * a->ld;
    float change = 0;
    float *to = wr_calloc(cells, sizeof *to);
    slow_lines(a, x, x, 0, a->head, NULL);
    for (uint32_t b = 0; b < a->blocks; b++) {
        memcpy(to, x, cells * sizeof *x);
        slow_lines(a, to, x, block_first(a, b), block_first(a, b + 1), &change);
        memcpy(x, to, cells * sizeof *x);
    }
    wr_free(to);
    return change;
}

/* Lines that are no hubs: their changes.  All other rows: none. */
static void check_diff(const wr_spmm *a, const wr_mix *mix, const float *x,
                       const float *was)
{
    float *want = wr_calloc((size_t)a->slots * a->ld, sizeof *want);
    for (uint32_t l = a->head; l < a->lines && a->blocks; l++)
        for (size_t i = (size_t)a->at[l] * a->ld; i < (a->at[l] + 1ULL) * a->ld; i++)
            want[i] = x[i] - was[i];
    assert_memory_equal(mix->diff, want, (size_t)a->slots * a->ld * sizeof *want);
    wr_free(want);
}

static void test_spmm_step__definition_bit_for_bit(void **state)
{
    (void)state;
    int before = omp_get_max_threads();
    for (uint64_t seed = 0; seed < 180; seed++) {
        wr_spmm a;
        random_spmm(&a, seed, seed % 2 ? WR_SPMM_WIDE : WR_SPMM_NARROW, seed / 2 % 2);
        const size_t cells = (size_t)a.slots * a.ld;
        float *want = wr_alloc_big(cells, sizeof *want),
              *x = wr_alloc_big(cells, sizeof *x);
        float *buffer = wr_alloc_big((size_t)a.block_max * a.ld, sizeof *buffer);
        float *was = wr_alloc_big(cells, sizeof *was);
        wr_mix mix;
        assert_ok(wr_mix_init(&mix, a.slots, a.ld, a.blocks * WR_SPMM_PARTS, &err));
        a.level_max = (wr_spmm_level)(seed / 4 % 3);
        omp_set_num_threads(1 + (int)(seed % 4));
        wr_rng r = {.s = seed};
        for (size_t i = 0; i < cells; i++)
            x[i] = want[i] = (float)wr_rng_unit(&r);
        for (int step = 0; step < 3; step++) {
            memcpy(was, x, cells * sizeof *x);
            float slow = slow_step(&a, want);
            float fast = wr_spmm_step(&a, x, buffer, step ? &mix : NULL);
            assert_true(slow == fast);
            assert_memory_equal(x, want, cells * sizeof *x);
            if (step)
                check_diff(&a, &mix, x, was);
        }
        wr_spmm_head(&a, x);
        slow_lines(&a, want, want, 0, a.head, NULL);
        assert_memory_equal(x, want, cells * sizeof *x);
        wr_free(want);
        wr_free(x);
        wr_free(buffer);
        wr_free(was);
        wr_mix_release(&mix);
        wr_spmm_release(&a);
    }
    omp_set_num_threads(before);
}

static void test_spmm_release__zeroed_and_twice(void **state)
{
    (void)state;
    wr_spmm a = {0};
    wr_spmm_release(&a);
    random_spmm(&a, 7, WR_SPMM_NARROW, true);
    wr_spmm_release(&a);
    wr_spmm_release(&a);
    assert_null(a.edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_spmm_step__definition_bit_for_bit),
        wr_unit_test(test_spmm_release__zeroed_and_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wr_test.h"

#include <string.h>

#include "codec/key_hash_int.h"

static void expect(const char *text, uint64_t high, uint64_t low)
{
    uint64_t h[2];
    wr_key_hash(h, text, strlen(text));
    assert_int_equal(h[0], high);
    assert_int_equal(h[1], low);
}

/* MurmurHash3_x64_128, seed 0: answers that other implementations publish. */
static void test_key_hash__published_answers(void **state)
{
    (void)state;
    expect("", 0, 0);
    expect("hello", UINT64_C(0xcbd8a7b341bd9b02), UINT64_C(0x5b1e906a48ae1d19));
    expect("hello, world", UINT64_C(0x342fac623a5ebc8e), UINT64_C(0x4cdcbc079642414d));
    expect("19 Jan 2038 at 3:14:07 AM", UINT64_C(0xb89e5988b737affc),
           UINT64_C(0x664fc2950231b2cb));
    expect("The quick brown fox jumps over the lazy dog.", UINT64_C(0xcd99481f9ee902c9),
           UINT64_C(0x695da1a38987b6e7));
}

/* Every byte and the length count, wherever the tail begins. */
static void test_key_hash__every_byte_counts(void **state)
{
    (void)state;
    unsigned char text[48];
    memset(text, 'x', sizeof text);
    for (size_t len = 1; len <= sizeof text; len++) {
        uint64_t whole[2];
        uint64_t other[2];
        wr_key_hash(whole, text, len);
        wr_key_hash(other, text, len - 1);
        assert_true(whole[0] != other[0] && whole[1] != other[1]);
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            wr_key_hash(other, text, len);
            text[i] ^= 1;
            assert_true(whole[0] != other[0] && whole[1] != other[1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_key_hash__published_answers),
        wr_unit_test(test_key_hash__every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

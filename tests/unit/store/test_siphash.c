#include "store/siphash_int.h"
#include "wr_test.h"

/* Key 00 01 … 0f, message 00 01 … (n-1): from the reference implementation's table. */
static void test_siphash__published_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t want;
    } at[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
        {7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)}, /* the worked example of the paper */
    };
    uint8_t key[WR_SIPHASH_KEY_BYTES];
    uint8_t message[64];
    for (int i = 0; i < 64; i++)
        message[i] = (uint8_t)i;
    for (int i = 0; i < WR_SIPHASH_KEY_BYTES; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        assert_int_equal(wr_siphash(key, message, at[i].len), at[i].want);
}

static void test_siphash__every_byte_and_the_key_count(void **state)
{
    (void)state;
    uint8_t key[WR_SIPHASH_KEY_BYTES] = {0};
    uint8_t message[41] = {0};
    uint64_t plain = wr_siphash(key, message, sizeof message);
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = 1;
        assert_int_not_equal(wr_siphash(key, message, sizeof message), plain);
        message[i] = 0;
    }
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = 1;
        assert_int_not_equal(wr_siphash(key, message, sizeof message), plain);
        key[i] = 0;
    }
    assert_int_not_equal(wr_siphash(key, message, 40), plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_siphash__published_vectors),
        wr_unit_test(test_siphash__every_byte_and_the_key_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Writes the bytes of a small trained model, for test_models.py:
 *     model_file FILE KIND SEED        a model as 'models export' writes it
 */
#include <stdlib.h>

#include "model_gen.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: model_file FILE KIND SEED\n");
        return 2;
    }
    wr_buf b;
    gen_model_bytes(&b, argv[2], strtoull(argv[3], NULL, 10));
    FILE *f = fopen(argv[1], "wb");
    const bool is_written = f && fwrite(b.p, 1, b.len, f) == b.len;
    const bool is_closed = f && fclose(f) == 0;
    if (!is_written || !is_closed)
        perror(argv[1]);
    wr_buf_release(&b);
    return is_written && is_closed ? 0 : 1;
}

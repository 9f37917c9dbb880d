/* CSV of transfers; the first byte decides whether a good header stands before the rest.
 */
#include "load_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char both[] = "from,sender,to,value,amount,time,asset,decimals,"
                               "position,block,chain\n";
    static const char bank[] = "timestamp,frombank,account,tobank,account,amountpaid,"
                               "paymentcurrency,paymentformat\n";
    const char *const head[] = {
        "from,to,amount,time,hash,memo\n",
        both,
        "step,type,amount,nameOrig,nameDest\n",
        bank,
        "",
    };
    if (!size)
        return 0;
    const char *h = head[data[0] % 5];
    const size_t len = strlen(h);
    char *file = malloc(len + size);
    require(file != NULL);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes with a length */
    memcpy(file, h, len);
    memcpy(file + len, data + 1, size - 1);
    load_twice(file, len + size - 1, *h ? NULL : "csv", true);
    free(file);
    return 0;
}

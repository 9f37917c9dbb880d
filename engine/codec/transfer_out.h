/*
 * transfer_out.h - transfers as the JSON that transfer_json.h reads back unchanged.
 *
 *   {"chain":"eip155:1","tx_hash":"0x…","position":3,"block":17000000,"from":"0x…",
 *    "to":"0x…","asset":"ETH","amount":"1500","decimals":18,"time":1438978729,
 *    "value_usd":3.25,"memo":"…"}
 *
 * One object, no line break, always these names in this order.  amount is in base units
 * and a text (128 bits fit no JSON number that others read); value_usd stands there when
 * the transfer is priced, block and memo when they are known.  A hash that was derived
 * from the content is left out where the chain's rule would refuse it: the reader derives
 * it again, from the same content.
 *
 * A UTXO transaction is one object with inputs[] and outputs[], so that no reader ever
 * sees half of it; an output that carried nothing keeps its place as {"amount":"0"}.
 *
 * Decoded by a decoder without options of its own (or with the same chain, asset and
 * decimals), every field of every transfer is the same again; a property test says so.
 * Thread: safe.
 */
#ifndef WR_CODEC_TRANSFER_OUT_H
#define WR_CODEC_TRANSFER_OUT_H

#include <stddef.h>

#include "model/transfer.h"
#include "util/buf.h"

/* "eip155:1:0x…": the sender, or the hub of a UTXO transaction. */
enum { WR_TRANSFER_KEY_MAX = WR_CHAIN_ID_MAX + 1 + WR_ADDRESS_MAX + 1 };

/*
 * How many of the transfers t[0..n-1] (n > 0) make one object: all of one UTXO
 * transaction, which a decoder gives one behind the other, else 1.
 */
size_t wr_transfer_out_group(const wr_transfer *t, size_t n);

/*
 * Append the object of one such group to `to`.
 *
 * Errors  WR_EINVAL  a UTXO transaction whose asset is not its chain's own, or whose
 *                    inputs are not complete: no message could say it
 *         WR_ELIMIT  over WR_RECORD_MAX_BYTES, which no reader takes; WR_ENOMEM
 *         On failure `to` holds part of the object: clear it.
 * Cost    about 1 us
 */
wr_status wr_transfer_out_json(wr_buf *to, const wr_transfer *t, size_t n,
                               wr_err *err) WR_NODISCARD;

/* What keeps the order of one wallet's outgoing transfers.  len of the text. */
size_t wr_transfer_out_key(char out[WR_TRANSFER_KEY_MAX], const wr_transfer *t);

#endif

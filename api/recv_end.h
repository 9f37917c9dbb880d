/*
 * recv_end.h - until when this thread may go on receiving; see recv_end.c.
 */
#ifndef WR_API_RECV_END_H
#define WR_API_RECV_END_H

#include <stdint.h>

/* Monotonic microseconds; 0 = no end. */
extern _Thread_local int64_t wr_server_recv_end_us;

#endif

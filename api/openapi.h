/*
 * openapi.h - the text of openapi.yaml, built into the program by embed.py.
 */
#ifndef WR_API_OPENAPI_H
#define WR_API_OPENAPI_H

#include <stddef.h>

extern const char wr_openapi_yaml[];
extern const size_t wr_openapi_yaml_bytes;

#endif

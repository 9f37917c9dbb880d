/*
 * migrations_int.h - the SQL files of migrations/, embedded by migrations/embed.py.
 */
#ifndef WR_STORE_MIGRATIONS_INT_H
#define WR_STORE_MIGRATIONS_INT_H

#include <stdint.h>

typedef struct wr_migration {
    const char *dialect; /* "postgres" | "sqlite"; NULL ends the table */
    uint32_t number;     /* 1.., ascending within a dialect */
    const char *name;
    const char *sha256; /* of sql, hex */
    const char *sql;
} wr_migration;

extern const wr_migration wr_migrations[];

#endif

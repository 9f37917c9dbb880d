-- Trained models: their bytes, what training says of them, and which one is in use.

create table model_registry (
    id           text collate "C" primary key, -- "m" and the first 12 hex digits of the digest
    digest       text   not null,              -- SHA-256 of bytes, hex
    kind         text   not null,              -- wallet, transfer
    status       text   not null check (status in ('candidate', 'active', 'retired')),
    created_at   bigint not null,
    created_by   text   not null,
    activated_at bigint,                       -- the last time; null: never
    activated_by text,
    manifest     text   not null,              -- JSON
    card         text   not null,              -- Markdown
    bytes        bytea  not null
);
create unique index model_registry_active on model_registry (kind) where status = 'active';

-- Customers and their accounts: synthetic ones come from the simulator on request.

create table customers (
    customer_id text collate "C" primary key,
    kind        text not null,              -- person, company
    name        text not null,
    country     text not null,              -- ISO 3166-1 alpha-2
    birth_date  text,                       -- YYYY-MM-DD; founding date of a company
    is_pep      smallint not null default 0, -- politically exposed person
    risk_level  text not null default 'low',
    created_at  bigint not null
);

create table accounts (
    account_id  text collate "C" primary key,
    customer_id text collate "C" not null references customers,
    chain_id    smallint not null references chains,
    address     text collate "C" not null,  -- canonical
    opened_at   bigint not null,
    closed_at   bigint,
    unique (chain_id, address)
);
create index accounts_customer on accounts (customer_id);

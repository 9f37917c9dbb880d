-- Customers and their accounts: synthetic ones come from the simulator on request.

create table customers (
    customer_id text    primary key,
    kind        text    not null,           -- person, company
    name        text    not null,
    country     text    not null,           -- ISO 3166-1 alpha-2
    birth_date  text,                       -- YYYY-MM-DD; founding date of a company
    is_pep      integer not null default 0, -- politically exposed person
    risk_level  text    not null default 'low',
    created_at  integer not null
) strict;

create table accounts (
    account_id  text    primary key,
    customer_id text    not null references customers,
    chain_id    integer not null references chains,
    address     text    not null,           -- canonical
    opened_at   integer not null,
    closed_at   integer,
    unique (chain_id, address)
) strict;
create index accounts_customer on accounts (customer_id);

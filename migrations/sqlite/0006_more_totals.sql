-- Wallets and dead letters are counted beside the rows as well: their number was a scan.

alter table store_totals add column wallets integer not null default 0;
alter table store_totals add column dead integer not null default 0;

insert into store_totals (slot, transfers, wallets, dead)
values (0, 0, (select count(*) from wallets), (select count(*) from dead_letters))
on conflict (slot) do update set wallets = excluded.wallets, dead = excluded.dead;

-- Ciphertext does not compress: trying to only costs, at every write.
-- depends: 0040.router.tables 0050.delivery.tables

alter table router.subject_state alter column sealed set storage external;
alter table router.receipts alter column sealed set storage external;
alter table delivery.dispatches alter column sealed set storage external;
alter table delivery.dispatches alter column narrowed set storage external;

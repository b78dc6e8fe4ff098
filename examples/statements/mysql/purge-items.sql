-- Removes the items above an id: {"statement": "purge-items", "params": {"above": 3}}
-- One run at a time: a second one that starts meanwhile is skipped, and says so.
-- mode: write
-- exclusive: true
-- timeout: 30s
-- param: above int the highest id that stays
-- schedule: cron(0 4 * * ? *) Europe/Berlin
-- params: {"above": 1000}
DELETE FROM items WHERE id > ?;

-- Removes the items above an id: {"statement": "purge-items", "params": [3]}
-- One run at a time: a second one that starts meanwhile is skipped, and says so.
-- mode: write
-- exclusive: true
-- timeout: 30s
DELETE FROM items WHERE id > $1;

-- Adds an item: {"statement": "add-item", "params": {"id": 4, "name": "fourth"}}
-- mode: write
-- timeout: 5s
-- param: id int the new item's number
-- param: name text its name, of at most 255 characters
INSERT INTO items (id, name) VALUES ($1, $2) RETURNING id, name;

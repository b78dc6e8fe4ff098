-- Adds an item: {"statement": "add-item", "params": [4, "fourth"]}
-- mode: write
-- timeout: 5s
INSERT INTO items (id, name) VALUES ($1, $2) RETURNING id, name;

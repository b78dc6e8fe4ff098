-- Every item.
SELECT * FROM items;

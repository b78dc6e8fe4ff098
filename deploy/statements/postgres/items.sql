-- Every item. A schedule runs this statement unless SCHEDULED_STATEMENT names another.
SELECT * FROM items;

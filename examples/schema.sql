-- The table of the example statements, for MySQL, MariaDB and PostgreSQL.
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(255) NOT NULL);
INSERT INTO items (id, name) VALUES (1, 'first'), (2, 'second'), (3, 'third');

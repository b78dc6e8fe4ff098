CREATE TABLE stock (id INT PRIMARY KEY, name TEXT NOT NULL, quantity INT NOT NULL);
INSERT INTO stock (id, name, quantity) VALUES (1, 'tea', 10), (2, 'coffee', 0);

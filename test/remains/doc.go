// Package remains looks for what is left of deleted agents and callers: it does whatever may happen to a house in random order, crashes and
// restored backups included, and after each deletion searches every byte of the data directory and of a dump of the database.
package remains

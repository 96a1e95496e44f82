// Package rooms tests rooms over a real database: what one room alone cannot show, and what only both engines together prove.
package rooms

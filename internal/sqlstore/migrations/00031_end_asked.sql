-- +goose Up
-- Why another node wants the call to end; the node that holds it sees to that.
ALTER TABLE calls ADD COLUMN end_asked text NOT NULL DEFAULT '';
CREATE INDEX calls_end_asked ON calls (node_id) WHERE end_asked <> '';

-- +goose Down
DROP INDEX calls_end_asked;
ALTER TABLE calls DROP COLUMN end_asked;

-- +goose Up
ALTER TABLE calls ADD COLUMN transfers jsonb NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE calls DROP COLUMN transfers;

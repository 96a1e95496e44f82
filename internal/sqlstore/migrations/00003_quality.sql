-- +goose Up
ALTER TABLE calls ADD COLUMN quality jsonb;

-- +goose Down
ALTER TABLE calls DROP COLUMN quality;

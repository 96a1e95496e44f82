-- +goose Up
-- What a call cost its environment, in the server's currency.
ALTER TABLE calls ADD COLUMN cost double precision NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE calls DROP COLUMN cost;
